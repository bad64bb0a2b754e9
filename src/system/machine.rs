//! The machine that this process runs on.

use super::parallel;

/// What a reader of a measurement wants to know of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineFacts {
    /// The number of processors that this process may use.
    pub processors: usize,
    /// The memory in MiB.
    pub memory_mib: u64,
    /// The version of the kernel.
    pub kernel: String,
    /// The load average of the last minute, in hundredths.
    pub load_hundredths: u64,
}

/// Looks at the machine.
pub fn look() -> MachineFacts {
    let info = rustix::system::sysinfo();
    // sysinfo(2): loads are scaled by 2^16.
    let load_hundredths = (info.loads[0] * 100) >> 16;
    MachineFacts {
        processors: parallel::threads(),
        memory_mib: (info.totalram * u64::from(info.mem_unit)) >> 20,
        kernel: rustix::system::uname().release().to_string_lossy().into_owned(),
        load_hundredths,
    }
}
