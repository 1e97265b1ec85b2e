//! Which serial devices there are, and which of them look like a telegraph.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Names of the kernel's USB serial devices.
const NAMES: [&str; 2] = ["ttyACM", "ttyUSB"];

/// One device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Where to open it: the name that stays the same at every plug, if there is one.
    pub path: PathBuf,
    /// What it says of itself: USB ids and product, as far as known.
    pub about: String,
}

/// The devices of this machine, by name.
#[must_use]
pub fn candidates() -> Vec<Candidate> {
    below(Path::new("/dev"), Path::new("/sys/class/tty"))
}

fn below(dev: &Path, sys: &Path) -> Vec<Candidate> {
    let stable = stable_names(&dev.join("serial/by-id"));
    let mut names: Vec<_> = entries(dev)
        .filter_map(|path| path.file_name()?.to_str().map(str::to_owned))
        .filter(|name| NAMES.iter().any(|prefix| name.starts_with(prefix)))
        .collect();
    names.sort();
    let candidate = |name: &String| Candidate {
        path: stable.get(name).cloned().unwrap_or_else(|| dev.join(name)),
        about: about(&sys.join(name).join("device")),
    };
    names.iter().map(candidate).collect()
}

/// For each device the name that udev gives it whatever the order of plugs.
fn stable_names(place: &Path) -> BTreeMap<String, PathBuf> {
    let target = |path: &PathBuf| Some(fs::read_link(path).ok()?.file_name()?.to_str()?.to_owned());
    entries(place).filter_map(|path| Some((target(&path)?, path))).collect()
}

/// What the kernel knows of the USB device whose interface this is.
fn about(interface: &Path) -> String {
    let Ok(interface) = interface.canonicalize() else { return String::new() };
    let read = |name: &str| {
        // A serial port of some adapters is one level further down.
        let mut above = interface.ancestors().skip(1).take(3);
        above.find_map(|place| fs::read_to_string(place.join(name)).ok())
    };
    let ids = read("idVendor").zip(read("idProduct"));
    let ids = ids.map(|(vendor, product)| format!("{}:{}", vendor.trim(), product.trim()));
    let words = ids.into_iter().chain(read("product").map(|product| product.trim().to_owned()));
    words.collect::<Vec<_>>().join("  ")
}

fn entries(place: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(place).into_iter().flatten().flatten().map(|entry| entry.path())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn devices_have_their_stable_name_and_say_what_they_are() {
        let place = tempfile::tempdir().unwrap();
        let (dev, sys) = (place.path().join("dev"), place.path().join("sys"));
        fs::create_dir_all(dev.join("serial/by-id")).unwrap();
        for name in ["ttyACM0", "ttyUSB1", "ttyS0", "tty7"] {
            fs::write(dev.join(name), "").unwrap();
        }
        let stable = dev.join("serial/by-id/usb-Chadburn_Engine_Order_Telegraph_1-if00");
        symlink("../../ttyACM0", &stable).unwrap();
        let usb = place.path().join("devices/usb1/1-1");
        fs::create_dir_all(usb.join("1-1:1.0")).unwrap();
        let facts = [
            ("idVendor", "16c0\n"),
            ("idProduct", "0483\n"),
            ("product", "Engine Order Telegraph\n"),
        ];
        for (name, text) in facts {
            fs::write(usb.join(name), text).unwrap();
        }
        fs::create_dir_all(sys.join("ttyACM0")).unwrap();
        symlink(usb.join("1-1:1.0"), sys.join("ttyACM0/device")).unwrap();

        let telegraph =
            Candidate { path: stable, about: "16c0:0483  Engine Order Telegraph".to_owned() };
        let other = Candidate { path: dev.join("ttyUSB1"), about: String::new() };
        assert_eq!(below(&dev, &sys), [telegraph, other]);
        assert_eq!(below(&place.path().join("nowhere"), &sys), []);
    }
}
