//! What happens on a machine when the telegraph is plugged in, as far as files tell: the rule knows
//! the firmware's own words, and wants the unit that is there.

use std::fs;
use std::path::Path;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The value in quotes after this key, as in `KEY=="value"`.
fn value<'a>(rule: &'a str, key: &str) -> &'a str {
    let (_, rest) = rule.split_once(key).unwrap_or_else(|| panic!("the rule has no {key}"));
    rest.split('"').nth(1).unwrap()
}

#[test]
fn the_udev_rule_knows_the_board_and_wants_its_bridge() {
    let text = read("systemd/71-chadburn.rules");
    let rules: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let [rule] = rules[..] else { panic!("one rule is enough: {rules:?}") };
    let firmware = read("firmware/teensy4/src/line.rs");
    let product = value(rule, "ATTRS{product}==");
    assert!(firmware.contains(&format!("const PRODUCT: &str = \"{product}\";")), "{product}");
    let ids = [value(rule, "ATTRS{idVendor}=="), value(rule, "ATTRS{idProduct}==")];
    let [vendor, device] = ids.map(|id| u16::from_str_radix(id, 16).unwrap());
    assert!(firmware.contains(&format!("UsbVidPid(0x{vendor:04X}, 0x{device:04X})")), "{ids:?}");
    let (unit, kernel_name) = value(rule, "ENV{SYSTEMD_WANTS}+=").split_once('@').unwrap();
    assert_eq!(kernel_name, "%k.service");
    let unit = read(&format!("systemd/{unit}@.service"));
    assert!(unit.contains("ExecStart=/usr/local/bin/chadburn bridge /dev/%I\n"));
    // systemd knows only of devices that udev tells it of.
    assert_eq!(value(rule, "TAG+="), "systemd");
    assert!(unit.contains("BindsTo=dev-%i.device\n"));
}
