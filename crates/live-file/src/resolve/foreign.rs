//! File systems on which others write without this kernel's knowing.

use super::Place;

/// The numbers of statfs(2) and linux/magic.h.
#[cfg(target_os = "linux")]
const FOREIGN: [(u32, &str); 19] = [
    (0x6969, "NFS"),
    (0x517B, "SMB"),
    (0xFF53_4D42, "CIFS"),
    (0xFE53_4D42, "SMB2"),
    (0x6573_5546, "FUSE"),
    (0x0102_1997, "9p"),
    (0x00C3_6400, "Ceph"),
    (0x5346_414F, "AFS"),
    (0x6B41_4653, "AFS"),
    (0x7375_7245, "Coda"),
    (0x0BD0_0BD0, "Lustre"),
    (0x4750_4653, "GPFS"),
    (0x1983_0326, "BeeGFS"),
    (0x2003_0528, "OrangeFS"),
    (0x0116_1970, "GFS2"),
    (0x7461_636F, "OCFS2"),
    (0x786F_4256, "a shared folder of VirtualBox"),
    (0xBACB_ACBC, "a shared folder of VMware"),
    (0x7C7C_6673, "a shared folder of Parallels"),
];

#[cfg(target_os = "linux")]
impl Place {
    /// What it is on, if that is such a file system.
    #[must_use]
    pub(crate) fn foreign(&self) -> Option<&'static str> {
        use rustix::fs::fstatfs;

        let statfs = fstatfs(&self.directory).ok()?;
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::unnecessary_cast,
            reason = "the width of this field depends on the machine, its magic numbers have 32 bits"
        )]
        let magic = statfs.f_type as u32;
        FOREIGN.iter().find(|(number, _)| *number == magic).map(|(_, name)| *name)
    }
}

#[cfg(not(target_os = "linux"))]
impl Place {
    /// Elsewhere this is not known.
    #[must_use]
    pub(crate) fn foreign(&self) -> Option<&'static str> {
        let _ = &self.directory;
        None
    }
}
