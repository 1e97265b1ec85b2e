//! The README's containers, as far as they go without one: its mounts, in a mount namespace, and its
//! arguments.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::home::Home;
use crate::panel::{COFFEE, LUNCH, Panel};
use crate::setup::Setup;

/// The lines between this one and the end of the README's block that has it.
fn block(line: &str) -> Vec<String> {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = fs::read_to_string(readme).expect("there is a README");
    let blocks = text.split("```");
    let block = blocks.into_iter().find(|block| block.lines().any(|it| it.trim() == line));
    block.expect("the README has it").lines().map(str::to_owned).collect()
}

/// What follows these words in the block.
fn after<'a>(block: &'a [String], words: &str) -> Vec<&'a str> {
    let rest = block.iter().filter_map(|line| line.split_once(words).map(|(_, rest)| rest.trim()));
    rest.collect()
}

/// The words that start a server where these directories of the home are mounted, read-only or not.
fn with_mounts(home: &Home, mounts: &[(String, String, bool)]) -> Vec<String> {
    let mut steps = vec!["mount -t tmpfs tmpfs /srv".to_owned()];
    for (from, to, read_only) in mounts {
        let from = home.file(from);
        steps.push(format!("mkdir -p {to} && mount --bind {} {to}", from.display()));
        if *read_only {
            steps.push(format!("mount -o remount,bind,ro {to}"));
        }
    }
    steps.push("exec \"$0\" \"$@\"".to_owned());
    let mut way = vec!["unshare", "--mount", "--propagation", "private"];
    if !rustix::process::geteuid().is_root() {
        way.extend(["--user", "--map-root-user"]);
    }
    let shell = steps.join(" && ");
    way.extend(["sh", "-c", &shell]);
    way.into_iter().map(str::to_owned).collect()
}

#[tokio::test]
async fn with_compose_orders_arrive_and_answers_are_seen_outside() {
    let compose = block("services:");
    let volumes = after(&compose, "- ./").into_iter().map(|it| it.split(':').collect::<Vec<_>>());
    let volumes: Vec<_> = volumes.filter(|it| it[0] != "chadburn").collect();
    assert!(!volumes.is_empty());
    let command = after(&compose, "command: chadburn ")[0].to_owned();
    let setup = Setup::without_status().args(command.split(' ').map(str::to_owned));
    let mounts: Vec<_> =
        volumes.iter().map(|it| (it[0].to_owned(), it[1].to_owned(), false)).collect();
    let outside = mounts[0].0.clone();
    fs::create_dir(setup.home.file(&outside)).expect("a directory can be made");
    setup.home.write(&format!("{outside}/status.eot"), "6\n");
    let way = with_mounts(&setup.home, &mounts);
    let server = setup.by_way_of(way).start().await;
    let mut panel = Panel::open(&server).await;
    server.home.rename_over(&format!("{outside}/status.eot"), "7\n");
    panel.until("the order", |state| state["order"]["position"] == COFFEE).await;
    panel.accept(COFFEE).await;
    let reply = fs::read(server.home.file(format!("{outside}/accept.eot")));
    assert_eq!(reply.expect("it is there"), b"7\n");
}

#[tokio::test]
async fn in_kubernetes_a_changed_config_map_is_an_order() {
    let pod = block("containers:");
    let args = after(&pod, "args: ")[0].trim_matches(['[', ']']);
    let setup = Setup::without_status().args(args.split(", ").map(str::to_owned));
    let mounts = after(&pod, "mountPath: ").into_iter().map(|it| it.trim_end_matches(" }"));
    let mounts: Vec<_> = mounts
        .map(|to| {
            let name =
                PathBuf::from(to).file_name().expect("a name").to_string_lossy().into_owned();
            (name.clone(), to.to_owned(), name == "orders")
        })
        .collect();
    assert_eq!(mounts.len(), 2);
    for name in ["orders/..1", "orders/..2", "answers"] {
        fs::create_dir_all(setup.home.file(name)).expect("a directory can be made");
    }
    setup.home.write("orders/..1/status.eot", "6");
    setup.home.write("orders/..2/status.eot", "8");
    let link = |name: &str, target: &str| symlink(target, setup.home.file(name));
    link("orders/..data", "..1").expect("a link can be made");
    link("orders/status.eot", "..data/status.eot").expect("a link can be made");
    let way = with_mounts(&setup.home, &mounts);
    let server = setup.by_way_of(way).start().await;
    let mut panel = Panel::open(&server).await;
    let home = &server.home;
    symlink("..2", home.file("orders/..tmp")).expect("a link can be made");
    fs::rename(home.file("orders/..tmp"), home.file("orders/..data")).expect("it can be renamed");
    panel.until("the order", |state| state["order"]["position"] == LUNCH).await;
    panel.accept(LUNCH).await;
    assert_eq!(fs::read(home.file("answers/accept.eot")).expect("it is there"), b"8\n");
}
