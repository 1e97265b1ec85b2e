//! A status file that becomes another: made again, unpacked, or led to by a link that is swapped.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::time::{Duration, SystemTime};

use crate::panel::{COFFEE, LUNCH, Panel};
use crate::patience::within;
use crate::setup::Setup;
use crate::station::TestStation;

#[tokio::test]
async fn unlinked_and_made_again_is_an_order() {
    for watch in ["inotify", "poll"] {
        let server = Setup::with_status("7\n").args(["--watch", watch]).start().await;
        let mut text = TestStation::text(&server).await;
        let mut panel = Panel::open(&server).await;
        for (order, position) in [("8", LUNCH), ("7", COFFEE), ("8", LUNCH)] {
            fs::remove_file(server.home.status()).expect("it can be removed");
            server.home.order(order);
            text.expect(order).await;
            panel.until("the order", |state| state["order"]["position"] == position).await;
        }
    }
}

#[tokio::test]
async fn other_bytes_of_the_same_size_and_time_are_an_order() {
    for watch in ["inotify", "poll"] {
        let server = Setup::with_status("7\n").args(["--watch", watch]).start().await;
        let mut text = TestStation::text(&server).await;
        let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        for order in ["1", "2", "3"] {
            // By rename, as an archive unpacks it.
            let draft = server.home.file("draft");
            fs::write(&draft, format!("{order}\n")).expect("it can be written");
            let file = File::options().write(true).open(&draft).expect("it can be opened");
            file.set_modified(old).expect("its time can be set");
            drop(file);
            fs::rename(draft, server.home.status()).expect("it can be renamed");
            text.expect(order).await;
        }
        for order in ["4", "5", "6"] {
            // In place, with the time set back before it is closed.
            let file = File::options().write(true).open(server.home.status());
            let mut file = file.expect("it can be opened");
            std::io::Write::write_all(&mut file, format!("{order}\n").as_bytes())
                .expect("it can be written");
            file.set_modified(old).expect("its time can be set");
            drop(file);
            text.expect(order).await;
        }
    }
}

#[tokio::test]
async fn a_swapped_link_to_the_directory_of_the_file_is_an_order() {
    let setup = Setup::without_status();
    let home = setup.home.clone();
    // As Kubernetes mounts a ConfigMap.
    let version = |number: &str, order: &str| {
        let directory = home.file(format!("..{number}"));
        fs::create_dir(&directory).expect("a directory can be made");
        fs::write(directory.join("status.eot"), order).expect("a file can be written");
        symlink(format!("..{number}"), home.file("..data_tmp")).expect("a link can be made");
        fs::rename(home.file("..data_tmp"), home.file("..data")).expect("it can be renamed");
    };
    version("1", "7\n");
    symlink("..data/status.eot", home.status()).expect("a link can be made");
    let server = setup.start().await;
    let mut text = TestStation::text(&server).await;
    let mut panel = Panel::open(&server).await;
    assert_eq!(panel.state["order"]["position"], COFFEE);
    let mut before = "..1".to_owned();
    for number in 2..=7 {
        let (order, position) = if number % 2 == 0 { ("8", LUNCH) } else { ("7", COFFEE) };
        version(&number.to_string(), order);
        within(Duration::from_secs(1), "the order", text.expect(order)).await;
        fs::remove_dir_all(home.file(before)).expect("it can be removed");
        before = format!("..{number}");
        panel.expect_order(position).await;
    }
    text.expect_nothing_yet().await;
}

#[tokio::test]
async fn a_file_behind_a_link_is_watched() {
    let setup = Setup::without_status();
    let home = setup.home.clone();
    fs::create_dir(home.file("elsewhere")).expect("a directory can be made");
    home.write("elsewhere/order", "7\n");
    symlink("elsewhere/order", home.status()).expect("a link can be made");
    let server = setup.start().await;
    let mut text = TestStation::text(&server).await;
    home.write("elsewhere/order", "8\n");
    text.expect("8").await;
    home.rename_over("elsewhere/order", "9\n");
    text.expect("9").await;
}
