//! Rules that are edited between two runs: what still means the same goes on, all else begins anew.

use serde_json::{Value, json};

use super::pipeline::Pipeline;
use crate::kafka_server::{KafkaCluster, KafkaVersion};

fn with(mut slo: Value, pointer: &str, value: &str) -> Value {
    *slo.pointer_mut(pointer).unwrap() = json!(value);
    slo
}

#[test]
fn what_still_means_the_same_keeps_its_counts() {
    let pipeline = Pipeline::new(KafkaCluster::shared(KafkaVersion::V4_1));
    let slos = ["unchanged", "renamed", "objective", "threshold"].map(|name| pipeline.slo(name));
    let daemon = pipeline.start(&json!({ "slos": slos }));
    pipeline.run(5, 3);
    for name in ["unchanged", "renamed", "objective", "threshold"] {
        pipeline.expect_total(&daemon, name, [5, 3, 0]);
    }

    let settings = daemon.kill();
    pipeline.write_rules(&json!({ "slos": [
        pipeline.slo("unchanged"),
        pipeline.slo("renamed-since"),
        with(pipeline.slo("objective"), "/objective", "95%"),
        with(pipeline.slo("threshold"), "/indicator/latency/within", "90s"),
    ] }));
    let daemon = pipeline.start_again(settings);
    let keeps = [("unchanged", true), ("renamed-since", false), ("objective", true), ("threshold", false)];
    for (name, keeps) in keeps {
        let expected = Some(if keeps { [5, 3, 0] } else { [0; 3] });
        assert_eq!(pipeline.total(&daemon, name), expected, "{name}\n{}", daemon.log());
    }
    assert_eq!(pipeline.slo_of(&daemon, "objective").unwrap()["objective"], "95%");
    assert_eq!(pipeline.slo_of(&daemon, "renamed"), None);

    pipeline.run(2, 1);
    let is_kept = |keeps: bool| if keeps { [7, 4, 0] } else { [2, 1, 0] };
    for (name, keeps) in keeps {
        pipeline.expect_total(&daemon, name, is_kept(keeps));
    }
    // And so it stays.
    let daemon = pipeline.start_again(daemon.kill());
    for (name, keeps) in keeps {
        assert_eq!(pipeline.total(&daemon, name), Some(is_kept(keeps)), "{name}\n{}", daemon.log());
    }
}
