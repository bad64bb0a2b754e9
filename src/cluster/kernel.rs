//! The kernel's settings on database machines: how it grants memory, and how much unwritten data it holds.

use serde::Serialize;

use super::decision::Ledger;
use super::{Machine, Postgres, Role, sizing};
use crate::parameters;

/// The kernel itself takes at least a sixteenth of memory, besides page tables.
const KERNEL_SHARE: u64 = 16;
/// What Patroni, etcd and the first connections need besides `shared_buffers`, in MiB.
const PROCESSES_MIB: u64 = 1024;
/// Machines with less memory, in MiB, keep the kernel's own rule, because Patroni, etcd and the system take a large part of it.
const STRICT_FROM_MIB: u64 = 4096;
/// Writers wait when the kernel holds data for this many seconds of the disk's throughput.
const DIRTY_SECONDS: u64 = 4;

/// The kernel's settings that follow from a machine's size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Kernel {
    /// The percentage of memory (without huge pages) that processes may reserve. `None` keeps the kernel's own rule.
    pub overcommit_ratio: Option<u64>,
    /// How many unwritten bytes the kernel holds before it starts to write them.
    pub dirty_background_bytes: u64,
    /// How many unwritten bytes the kernel holds before writers must wait.
    pub dirty_bytes: u64,
}

/// Decides the settings for the smallest and slowest database machine, because any of them may become primary.
pub fn resolve(machines: &[Machine], postgres: &Postgres, ledger: &mut Ledger) -> Kernel {
    const OVERCOMMIT: &str = "https://www.postgresql.org/docs/current/kernel-resources.html#LINUX-MEMORY-OVERCOMMIT";
    const DIRTY: &str = "https://docs.kernel.org/admin-guide/sysctl/vm.html";
    let memory = least_memory_mib(machines);
    let overcommit_ratio = memory.and_then(|memory| overcommit_ratio(memory, postgres));
    let blocks = |attribute: &str| -> Vec<String> {
        let has_slaves = machines.iter().any(|machine| machine.role == Role::Slave);
        let blocks = ["master", "slaves"].into_iter().take(1 + usize::from(has_slaves));
        blocks.map(|block| format!("{block}.{attribute}")).collect()
    };
    if let Some(ratio) = overcommit_ratio {
        let settings = ["postgres.shared_buffers", "postgres.max_connections"].map(String::from);
        ledger.add(
            "kernel.overcommit_ratio",
            format!("{ratio} %"),
            [blocks("instance_type"), settings.to_vec()].concat(),
            "A process that asks for more memory than there is gets an error, which costs one query. Otherwise the kernel would kill one \
             of PostgreSQL's processes later, which costs all connections. The kernel keeps what the page tables of shared_buffers \
             may take, and a sixteenth of memory.",
            OVERCOMMIT,
            |c| c.kernel.overcommit_ratio = None,
        );
    }
    let second = slowest_disk_mib(machines) * 1024 * 1024;
    let most = |percent: u64| memory.map_or(u64::MAX, |memory| memory * 1024 * 1024 * percent / 100);
    // Never above the kernel's own 10 and 20 percent.
    let dirty_background_bytes = second.min(most(10));
    let dirty_bytes = (DIRTY_SECONDS * second).min(most(20));
    let from = [blocks("disk.throughput"), blocks("instance_type")].concat();
    ledger.add(
        "kernel.dirty_background_bytes",
        format!("{dirty_background_bytes} bytes"),
        from.clone(),
        "The kernel starts to write when it holds data for one second of the disk's throughput. By default it waits until a tenth of \
         memory is unwritten. The next write that must reach the disk, such as etcd's, would then wait for all of it.",
        DIRTY,
        |c| c.kernel.dirty_background_bytes += 1,
    );
    ledger.add(
        "kernel.dirty_bytes",
        format!("{dirty_bytes} bytes"),
        from,
        "From four seconds of the disk's throughput on, writers wait until less is unwritten. What a write must wait for then stays \
         shorter than Patroni's retries.",
        DIRTY,
        |c| c.kernel.dirty_bytes += 1,
    );
    Kernel { overcommit_ratio, dirty_background_bytes, dirty_bytes }
}

fn databases(machines: &[Machine]) -> impl Iterator<Item = &Machine> {
    machines.iter().filter(|machine| machine.role != Role::Haproxy)
}

/// Returns the memory of the smallest database machine, or `None` where one machine's is unknown.
fn least_memory_mib(machines: &[Machine]) -> Option<u64> {
    let all: Option<Vec<u64>> =
        databases(machines).map(|machine| machine.block.instance.map(|instance| instance.memory_mib)).collect();
    all?.into_iter().min()
}

/// Returns the throughput of the slowest volume, or of the slowest link to one, in MiB per second. A link counts with its baseline.
fn slowest_disk_mib(machines: &[Machine]) -> u64 {
    let speed = |machine: &Machine| {
        let volume = u64::from(machine.block.disk.throughput);
        let link = machine.block.instance.and_then(|instance| instance.link);
        link.map_or(volume, |link| volume.min(link.baseline_mib().into()))
    };
    databases(machines).map(speed).min().unwrap_or_default().max(1)
}

/// Returns the percentage, or `None` where too little would be left for PostgreSQL to start.
fn overcommit_ratio(memory_mib: u64, postgres: &Postgres) -> Option<u64> {
    let buffers = postgres
        .settings
        .get("shared_buffers")
        .and_then(|value| parameters::value::kib("shared_buffers", value))
        .unwrap_or_default();
    let buffers_mib = u64::try_from(buffers).unwrap_or_default().div_ceil(1024);
    let tables = match postgres.reserves_huge_pages {
        true => 0,
        false => sizing::page_tables_mib(buffers_mib, postgres.max_connections.into()),
    };
    let kernel = tables + memory_mib / KERNEL_SHARE;
    let ratio = memory_mib.checked_sub(kernel)? * 100 / memory_mib;
    // Processes cannot reserve huge pages this way. Where the kernel finds none, shared memory comes from what they can reserve.
    let without = |huge: u64| memory_mib.saturating_sub(huge) * ratio / 100;
    let fits = without(0) >= buffers_mib + PROCESSES_MIB
        && (!postgres.reserves_huge_pages || without(buffers_mib) >= PROCESSES_MIB);
    (memory_mib >= STRICT_FROM_MIB && fits).then_some(ratio)
}

#[cfg(test)]
mod tests {
    use super::super::resolve as cluster;
    use crate::blueprint::parse;

    /// Of the smallest herd with this in its blueprint: ratio, and the two limits in MiB.
    fn kernel(text: &str) -> (Option<u64>, u64, u64) {
        let text = format!("cluster \"herd\" {{\n region = \"eu-west-1\"\n{text}\n}}\n");
        let kernel = cluster(&parse("kernel.hcl", &text).expect("valid")).kernel;
        (kernel.overcommit_ratio, kernel.dirty_background_bytes >> 20, kernel.dirty_bytes >> 20)
    }

    #[test]
    fn what_processes_may_reserve_leaves_the_kernel_its_page_tables() {
        // 8 GiB: 800 MiB of page tables, 512 MiB for the rest of the kernel.
        assert_eq!(kernel("").0, Some(83));
        // Huge pages have next to no tables.
        let large = "master { instance_type = \"r6i.2xlarge\" }\n slaves { instance_type = \"r6i.2xlarge\" }";
        assert_eq!(kernel(large).0, Some(93));
        // The smallest of the machines decides.
        assert_eq!(kernel("master { instance_type = \"r6i.2xlarge\" }").0, Some(83));
    }

    #[test]
    fn where_postgres_would_not_start_the_kernels_own_rule_stays() {
        let with = |settings: &str| kernel(&format!("postgres {{ settings = {{ {settings} }} }}")).0;
        assert_eq!(with("shared_buffers = \"6GB\""), None);
        assert_eq!(with("max_connections = 3000"), None);
        assert_eq!(with("shared_buffers = \"4GB\""), Some(74));
        let small = "master { instance_type = \"t3.small\" }\n slaves { instance_type = \"t3.small\" }";
        assert_eq!(kernel(small).0, None);
        // Nobody knows how much memory there is.
        let unknown = "master { instance_type = \"zz9.large\" }\n slaves { instance_type = \"zz9.large\" }";
        assert_eq!(kernel(unknown).0, None);
    }

    #[test]
    fn what_waits_for_the_disk_follows_from_its_slowest_part() {
        // The link of an m6i.large gives 77 MiB a second all day, its volume 125.
        assert_eq!(kernel("").1, 77);
        let fast = "instance_type = \"m6i.8xlarge\"\n disk {\n size = 1000\n iops = 8000\n throughput = 500\n }";
        let both = format!("master {{\n {fast}\n }}\n slaves {{\n {fast}\n }}");
        assert_eq!((kernel(&both).1, kernel(&both).2), (500, 2000));
        assert_eq!(kernel(&format!("master {{\n {fast}\n }}")).1, 77, "a slave is as it was");
        // Never more than the kernel itself would let wait.
        let small = "master { instance_type = \"t3.nano\" }\n slaves { instance_type = \"t3.nano\" }";
        let (_, background, all) = kernel(small);
        assert!(background <= 51 && all <= 102, "{background} {all}");
    }
}
