//! The manifests of `deploy/kubernetes`: that they can be built and applied, that their pods may run where pods are
//! restricted, and that what refers to something else refers to something that is there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{ask, checkers, repository, schemas};
use crate::program::run;

const PORT: u64 = 1876;

fn kustomize() -> Command {
    Command::new(checkers().join("bin/kustomize"))
}

/// What a folder of `deploy/kubernetes` is built to.
fn build(folder: &str) -> String {
    build_at(&repository("deploy/kubernetes").join(folder))
}

fn build_at(folder: &Path) -> String {
    let built = kustomize().arg("build").arg(folder).output().unwrap();
    assert!(built.status.success(), "{}: {}", folder.display(), String::from_utf8_lossy(&built.stderr));
    assert!(built.stderr.is_empty(), "{}", String::from_utf8_lossy(&built.stderr));
    String::from_utf8(built.stdout).unwrap()
}

/// Every folder that can be built, relative to `deploy/kubernetes`.
fn folders() -> Vec<String> {
    let root = repository("deploy/kubernetes");
    let (mut open, mut found) = (vec![root.clone()], Vec::new());
    while let Some(folder) = open.pop() {
        let inner = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        open.extend(inner.filter(|path| path.is_dir()));
        if folder.join("kustomization.yaml").exists() {
            found.push(folder.strip_prefix(&root).unwrap().to_str().unwrap().to_owned());
        }
    }
    found.sort();
    // What the others take a part from is nothing by itself.
    found.retain(|folder| !["image", "overlays/sidecar/pod"].contains(&folder.as_str()));
    assert_eq!(found, ["autoscaling", "base", "overlays/daemonset", "overlays/sidecar"]);
    found
}

fn documents(built: &str) -> Vec<Value> {
    let each = built.split("\n---\n").map(|document| serde_saphyr::from_str(document).unwrap());
    each.collect()
}

fn of_kind<'d>(documents: &'d [Value], kind: &str) -> Vec<&'d Value> {
    documents.iter().filter(|document| document["kind"] == kind).collect()
}

/// The workloads, each with its pods.
fn workloads(documents: &[Value]) -> Vec<(&Value, &Value)> {
    let with_pods = documents.iter().filter(|document| document["spec"]["template"]["spec"].is_object());
    with_pods.map(|workload| (workload, &workload["spec"]["template"])).collect()
}

fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    let of = |key: &str| pod["spec"][key].as_array().into_iter().flatten();
    of("containers").chain(of("initContainers"))
}

/// The container of plimsoll itself; an application's pod has others, too.
fn plimsoll(pod: &Value) -> &Value {
    containers(pod).find(|container| container["name"] == "plimsoll").unwrap_or_else(|| panic!("{pod}"))
}

fn name(document: &Value) -> &str {
    document["metadata"]["name"].as_str().unwrap()
}

/// What kubeconform says of `manifests`.
fn conform(manifests: &str) -> Result<String, String> {
    let mut kinds = BTreeSet::new();
    for document in documents(manifests) {
        let word = |key: &str| document[key].as_str().unwrap().to_owned();
        kinds.insert((word("apiVersion"), word("kind")));
    }
    let folder = TempDir::new().unwrap();
    schemas::write(folder.path(), &kinds);
    let location = format!("{}/{}", folder.path().display(), schemas::LOCATION);
    ask("kubeconform", &["-strict", "-summary", "-schema-location", &location], manifests)
}

#[test]
fn every_manifest_is_as_kubernetes_and_the_operators_want_it() {
    for folder in folders() {
        let built = build(&folder);
        let said = conform(&built).unwrap_or_else(|complaint| panic!("{folder}: {complaint}"));
        let all = format!("Valid: {}, Invalid: 0, Errors: 0, Skipped: 0", documents(&built).len());
        assert!(said.contains(&all), "{folder}: {said}");
    }
    // What is not so is seen: a key, a value's type, a custom resource.
    let base = build("base");
    for (right, wrong) in [
        ("readOnlyRootFilesystem", "readOnlyRootFileSystem"),
        ("replicas: 1", "replicas: one"),
        ("scrapeTimeout", "scrape_timeout"),
        ("unhealthyPodEvictionPolicy", "unhealthyPolicy"),
    ] {
        assert!(base.contains(right), "{right}");
        assert!(conform(&base.replace(right, wrong)).is_err(), "{wrong} went unseen");
    }
}

/// It is no part of what is built: of the two autoscalers only one may be.
#[test]
fn the_other_autoscaler_is_as_kubernetes_wants_it() {
    let file = repository("deploy/kubernetes/autoscaling/hpa.yaml");
    conform(&fs::read_to_string(file).unwrap()).unwrap_or_else(|complaint| panic!("{complaint}"));
    let built = documents(&build("autoscaling"));
    let kinds: Vec<_> = built.iter().map(|document| document["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["ScaledObject"]);
}

#[test]
fn the_image_is_named_once_for_all() {
    let folder = TempDir::new().unwrap();
    let mut copy = Command::new("cp");
    copy.arg("-R").arg(repository("deploy/kubernetes")).arg(folder.path());
    assert!(copy.status().unwrap().success());
    let root = folder.path().join("kubernetes");
    let edit = ["edit", "set", "image", "plimsoll=registry.example/plimsoll:7.0.0"];
    assert!(kustomize().args(edit).current_dir(root.join("image")).status().unwrap().success());
    for (overlay, pods) in [("base", 1), ("overlays/daemonset", 2), ("overlays/sidecar", 1)] {
        let documents = documents(&build_at(&root.join(overlay)));
        let images = workloads(&documents).into_iter().map(|(_, pod)| plimsoll(pod)["image"].clone());
        assert_eq!(
            images.collect::<Vec<_>>(),
            vec![json!("registry.example/plimsoll:7.0.0"); pods],
            "{overlay}"
        );
    }
}

#[test]
fn every_pod_is_restricted() {
    for (folder, pods) in [("base", 1), ("overlays/daemonset", 2), ("overlays/sidecar", 1)] {
        let built = build(folder);
        let said = ask("restricted", &[], &built).unwrap_or_else(|complaint| panic!("{folder}: {complaint}"));
        assert_eq!(said.lines().count(), pods, "{folder}: {said}");
        // What the profile does not ask for: nothing can be written but volumes, and nothing of the cluster is known.
        for (workload, pod) in workloads(&documents(&built)) {
            let container = plimsoll(pod);
            assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true, "{}", name(workload));
            assert_eq!(pod["spec"]["automountServiceAccountToken"], false, "{}", name(workload));
            let writable =
                container["volumeMounts"].as_array().unwrap().iter().filter(|it| it["readOnly"] != true);
            let writable: Vec<_> = writable.map(|mount| mount["mountPath"].as_str().unwrap()).collect();
            assert_eq!(writable, ["/var/lib/plimsoll"], "{}", name(workload));
            assert!(
                container["resources"]["limits"]["memory"].is_string()
                    && container["resources"]["requests"].is_object()
            );
        }
    }
    let base = build("base");
    for (right, wrong) in [
        ("runAsNonRoot: true", "runAsNonRoot: false"),
        ("allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true"),
        ("type: RuntimeDefault", "type: Unconfined"),
        ("- ALL", "- NET_RAW"),
        ("runAsUser: 65532", "runAsUser: 0"),
    ] {
        assert!(base.contains(right), "{right}");
        let complaint = ask("restricted", &[], &base.replace(right, wrong)).expect_err(wrong);
        assert!(complaint.starts_with("Deployment plimsoll: "), "{complaint}");
    }
}

/// Labels that are all among those of `pod`.
fn selects(selector: &Value, pod: &Value) -> bool {
    let labels = &pod["metadata"]["labels"];
    let wanted = selector.as_object().unwrap();
    !wanted.is_empty() && wanted.iter().all(|(label, value)| labels[label] == *value)
}

#[test]
fn what_selects_something_selects_what_it_is_meant_for() {
    for folder in ["base", "overlays/daemonset"] {
        let documents = documents(&build(folder));
        let pods = |selector: &Value| -> Vec<&str> {
            let all = workloads(&documents).into_iter();
            all.filter(|(_, pod)| selects(selector, pod)).map(|(workload, _)| name(workload)).collect()
        };
        for service in of_kind(&documents, "Service") {
            assert_eq!(pods(&service["spec"]["selector"]), [name(service)], "{folder}");
            assert_eq!(service["spec"]["publishNotReadyAddresses"], true);
            assert_eq!(service["spec"]["ports"][0]["port"], PORT);
        }
        for budget in of_kind(&documents, "PodDisruptionBudget") {
            assert_eq!(pods(&budget["spec"]["selector"]["matchLabels"]), ["plimsoll"], "{folder}");
            assert_eq!(budget["spec"]["maxUnavailable"], 1, "a node could never be drained");
        }
        for policy in of_kind(&documents, "NetworkPolicy") {
            let selected = pods(&policy["spec"]["podSelector"]["matchLabels"]);
            assert_eq!(selected, [name(policy)], "{folder}");
            // Those on the nodes are there for everybody; receivers are for the one that tells.
            let is_node = name(policy) == "plimsoll-node";
            assert_eq!(policy["spec"]["ingress"][0]["from"][0]["namespaceSelector"] == json!({}), is_node);
            assert_eq!(policy["spec"]["egress"].to_string().contains("\"port\":443"), !is_node);
        }
        assert_eq!(of_kind(&documents, "NetworkPolicy").len(), workloads(&documents).len(), "{folder}");
        for monitor in of_kind(&documents, "ServiceMonitor") {
            let services = of_kind(&documents, "Service").into_iter();
            let found: Vec<&str> = services
                .filter(|service| selects(&monitor["spec"]["selector"]["matchLabels"], service))
                .map(name)
                .collect();
            // The job is called like the Service, and dashboards look for this.
            assert_eq!(found, ["plimsoll"], "{folder}");
            assert_eq!(monitor["spec"]["endpoints"][0]["port"], "http");
        }
        for monitor in of_kind(&documents, "PodMonitor") {
            assert_eq!(pods(&monitor["spec"]["selector"]["matchLabels"]), ["plimsoll-node"], "{folder}");
        }
    }
}

#[test]
fn pods_run_what_the_image_holds_and_find_what_they_mount() {
    for folder in ["base", "overlays/daemonset", "overlays/sidecar"] {
        let documents = documents(&build(folder));
        for (workload, pod) in workloads(&documents) {
            let container = plimsoll(pod);
            let what = format!("{folder} {}", name(workload));
            assert_eq!(container["image"], format!("plimsoll:{}", env!("CARGO_PKG_VERSION")), "{what}");
            assert_eq!(container["ports"][0]["containerPort"], PORT, "{what}");
            let port = &container["ports"][0]["name"];
            assert_eq!(container["livenessProbe"]["httpGet"]["path"], "/healthz", "{what}");
            for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
                let ask = &container[probe]["httpGet"];
                assert!(ask.is_null() || ask["port"] == *port, "{what}: {ask}");
            }
            let arguments = container["args"].as_array().unwrap().iter().map(|word| word.as_str().unwrap());
            let arguments: Vec<&str> = arguments.chain(["--help"]).collect();
            assert_eq!(run(&arguments).code, Some(0), "{what}: {arguments:?}");
            check_mounts(&what, pod, container, &documents);
        }
    }
}

fn check_mounts(what: &str, pod: &Value, container: &Value, documents: &[Value]) {
    let volumes = pod["spec"]["volumes"].as_array().unwrap();
    for mount in container["volumeMounts"].as_array().unwrap() {
        assert!(mount["subPath"].is_null(), "{what}: a changed file would never arrive");
        let volume = volumes.iter().find(|volume| volume["name"] == mount["name"]);
        let volume = volume.unwrap_or_else(|| panic!("{what}: {mount}"));
        let (kind, wanted) = match () {
            () if volume["configMap"].is_object() => ("ConfigMap", &volume["configMap"]["name"]),
            () if volume["persistentVolumeClaim"].is_object() => {
                ("PersistentVolumeClaim", &volume["persistentVolumeClaim"]["claimName"])
            }
            () if volume["secret"]["optional"] == true || volume["emptyDir"].is_object() => continue,
            () => panic!("{what}: {volume}"),
        };
        let is_there =
            of_kind(documents, kind).into_iter().any(|document| document["metadata"]["name"] == *wanted);
        assert!(is_there, "{what}: no {kind} {wanted}");
    }
}

/// The settings that each workload mounts.
fn settings(folder: &str) -> BTreeMap<String, String> {
    let documents = documents(&build(folder));
    let mounted = workloads(&documents).into_iter().map(|(workload, pod)| {
        let volumes = pod["spec"]["volumes"].as_array().unwrap();
        let map = volumes.iter().find_map(|volume| volume["configMap"]["name"].as_str()).unwrap();
        let map =
            of_kind(&documents, "ConfigMap").into_iter().find(|document| name(document) == map).unwrap();
        (name(workload).to_owned(), map["data"]["plimsoll.yaml"].as_str().unwrap().to_owned())
    });
    mounted.collect()
}

/// What `plimsoll check` says of `settings`.
fn check_settings(settings: &str, further: &[&str]) -> Value {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("plimsoll.yaml");
    fs::write(&file, settings).unwrap();
    let checked = run(&[&["check", "--json", file.to_str().unwrap()], further].concat());
    assert_eq!(checked.code, Some(0), "{checked:?}");
    checked.json()[0].clone()
}

#[test]
fn settings_are_fine_and_exactly_one_instance_tells_people() {
    let tells = |folder: &str| -> Vec<String> {
        let told = settings(folder)
            .into_iter()
            .filter(|(_, settings)| check_settings(settings, &[])["notify"] == true);
        told.map(|(workload, _)| workload).collect()
    };
    assert_eq!(tells("base"), ["plimsoll"]);
    assert_eq!(tells("overlays/daemonset"), ["plimsoll"]);
    assert_eq!(tells("overlays/sidecar"), Vec::<String>::new());
    for folder in ["base", "overlays/daemonset"] {
        let documents = documents(&build(folder));
        let deployments = of_kind(&documents, "Deployment");
        // Two of it would both tell, and fight over the volume.
        assert_eq!(deployments[0]["spec"]["replicas"], 1);
        assert_eq!(deployments[0]["spec"]["strategy"]["type"], "Recreate");
        assert!(deployments.len() == 1, "{folder}");
    }
    let documents = documents(&build("overlays/sidecar"));
    for (_, pod) in workloads(&documents) {
        // With one the application would wait, for ever where the settings are broken.
        assert_eq!(
            (&plimsoll(pod)["startupProbe"], &plimsoll(pod)["restartPolicy"]),
            (&Value::Null, &json!("Always"))
        );
    }
    for settings in settings("overlays/sidecar").values() {
        check_settings(settings, &["--sidecar"]);
    }
}

/// What is written where a setting has its limits: these stand next to the settings they are about.
#[test]
fn overlays_say_what_they_are_not() {
    for overlay in ["daemonset", "sidecar"] {
        let file: PathBuf = repository("deploy/kubernetes/overlays").join(overlay).join("kustomization.yaml");
        let text = fs::read_to_string(file).unwrap();
        for limit in
            ["What it is not, in this version", "`notify: false`", "budgets begin anew", "Prometheus"]
        {
            assert!(text.contains(limit), "{overlay} does not say: {limit}");
        }
    }
}
