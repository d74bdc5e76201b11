//! Incidents as JSON, and `plimsoll incidents`.

use super::slo_command::ask_command;
use super::*;
use plimsoll::model::Incident;

#[tokio::test]
async fn incidents_answer_as_documented() {
    let prod = [fixture::prod()];
    check("incidents", &prod, "/api/v1/incidents", 200).await;
    check("no_such_state", &prod, "/api/v1/incidents?state=over", 400).await;
}

/// Of two clusters, each with one that is open and one that is over.
fn snapshots() -> [Snapshot; 2] {
    let later = |incident: &Incident| {
        let shift = |at: Timestamp| Timestamp(at.0 + 1_000);
        Arc::new(Incident {
            id: plimsoll::model::IncidentId::from_text("later"),
            cluster: "test".into(),
            opened_at: shift(incident.opened_at),
            resolved_at: incident.resolved_at.map(shift),
            ..incident.clone()
        })
    };
    let incidents = fixtures::incidents().iter().map(|incident| later(incident)).collect();
    [fixture::prod(), Snapshot { cluster: "test".into(), incidents, ..fixture::prod() }]
}

#[tokio::test]
async fn lists_of_incidents_are_narrowed_and_open_ones_come_first() {
    let snapshots = snapshots();
    let check = async |query: &str, expected: &[&str]| {
        let answer = ask(&snapshots, &format!("/api/v1/incidents?{query}")).await.json();
        let incidents = answer["incidents"].as_array().unwrap();
        let text = |incident: &Value, key: &str| incident[key].as_str().unwrap().to_owned();
        let found: Vec<String> = incidents
            .iter()
            .map(|one| format!("{} {} {}", text(one, "cluster"), text(one, "name"), text(one, "state")))
            .collect();
        assert_eq!(found, expected, "{query}");
    };
    let open = ["test orders-on-time open", "prod orders-on-time open"];
    let over = ["test consumer-stuck resolved", "prod consumer-stuck resolved"];
    check("", &[open, over].concat()).await;
    check("state=open", &open).await;
    check("state=resolved", &over).await;
    check("cluster=prod", &[open[1], over[1]]).await;
    check("name=consumer-*", &over).await;
    check("group=orders-processor&topic=ord*", &open).await;
    check("group=other", &[]).await;
    check("topic=*", &open).await;
    let id = fixtures::over_incident().id;
    check(&format!("id={id}"), &over[1..]).await;
    check("id=none", &[]).await;
    assert_eq!(ask(&snapshots, "/api/v1/incidents?slo=a").await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_shows_what_is_wrong() {
    let prod = [fixture::prod()];
    let (code, said, complained) = ask_command("incidents", &prod, &["--all"]).await;
    assert_eq!((code, complained.as_str()), (Some(0), ""));
    insta::with_settings!({ snapshot_path => "../../golden", prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("incidents_table", said);
    });
    let (code, said, _) = ask_command("incidents", &prod, &[]).await;
    assert_eq!(code, Some(0));
    assert!(said.contains("orders-on-time") && !said.contains("consumer-stuck"), "{said}");
    let (_, said, _) = ask_command("incidents", &prod, &["--json", "--all", "--name", "orders-*"]).await;
    let told: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(told, ask(&prod, "/api/v1/incidents?name=orders-*").await.json());
}

#[tokio::test(flavor = "multi_thread")]
async fn that_nothing_is_wrong_is_said() {
    let check = async |snapshots: &[Snapshot], arguments: &[&str], code, sentence: &str| {
        let (ended, said, complained) = ask_command("incidents", snapshots, arguments).await;
        assert_eq!((ended, said.as_str()), (Some(code), ""), "{arguments:?}");
        assert!(complained.starts_with(sentence), "{complained}");
    };
    let well = [Snapshot { incidents: Arc::default(), ..fixture::prod() }];
    check(&well, &[], 0, "plimsoll: no incident is open: ").await;
    check(&well, &["--all"], 0, "plimsoll: there was no incident").await;
    let prod = [fixture::prod()];
    check(&prod, &["--name", "consumer-*"], 1, "plimsoll: no open incident is as asked for").await;
    check(&prod, &["--all", "-g", "a&b=c#"], 1, "plimsoll: no incident is as asked for").await;
}
