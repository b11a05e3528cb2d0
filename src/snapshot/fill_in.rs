//! Fills in the parts of a snapshot that were not collected, from a later one.

use super::Snapshot;
use super::device::Counters;
use super::domain::Domain;
use super::host::Host;
use super::state_times::StateTimes;

impl Snapshot {
    /// Fills in what this snapshot lacks, from a later one of the same boot. What this one has does
    /// not change. Each vCPU, NIC and disk keeps its own stamp, so the rates stay right. State times become those of
    /// the later one, because the longest waits until then are told only once.
    pub fn fill_in(&mut self, later: &Self) {
        for domain in &mut self.domains {
            if let Some(later) = later.find(domain.identity()) {
                domain.fill_in(later);
            }
        }
        self.host.fill_in(&later.host);
        self.collected = later.collected.and(self.collected);
    }

    /// Raises the longest waits to those of an earlier snapshot of the same trace that nobody sees, and the most vCPUs
    /// that were ready at a time: they are told only once.
    pub fn keep_longest_waits(&mut self, earlier: &Self) {
        let (Some(now), Some(before)) = (&mut self.host.trace, earlier.host.trace) else {
            return;
        };
        if now.begin_ns != before.begin_ns {
            return;
        }
        now.most_ready = most(before.most_ready, now.most_ready);
        for domain in &mut self.domains {
            let Some(before) = earlier.find(domain.identity()) else {
                continue;
            };
            raise(&mut domain.state_times, before.state_times);
            let before = before.vcpus.iter().flatten();
            for vcpu in domain.vcpus.iter_mut().flatten() {
                let same = before.clone().find(|before| before.id == vcpu.id);
                raise(
                    &mut vcpu.state_times,
                    same.and_then(|same| same.state_times),
                );
            }
        }
    }
}

impl Domain {
    fn fill_in(&mut self, later: &Self) {
        fill(&mut self.name, &later.name);
        fill(&mut self.paging_pool_bytes, &later.paging_pool_bytes);
        fill(&mut self.grant_table_bytes, &later.grant_table_bytes);
        fill(&mut self.pod, &later.pod);
        fill(
            &mut self.memory_static_max_bytes,
            &later.memory_static_max_bytes,
        );
        fill(&mut self.memory_target_bytes, &later.memory_target_bytes);
        fill(
            &mut self.memory_videoram_bytes,
            &later.memory_videoram_bytes,
        );
        fill(&mut self.xenstore_uuid, &later.xenstore_uuid);
        fill(&mut self.target_domain, &later.target_domain);
        fill(&mut self.vcpus_available, &later.vcpus_available);
        fill(&mut self.scheduling, &later.scheduling);
        if later.state_times.is_some() {
            self.follow_vcpus(later);
        }
        fill(&mut self.vcpus, &later.vcpus);
        fill(&mut self.ready_ns, &later.ready_ns);
        fill(&mut self.ready_missed_changes, &later.ready_missed_changes);
        follow(&mut self.state_times, later.state_times);
        if later.state_times.is_some() {
            self.waited_for_ns.clone_from(&later.waited_for_ns);
        }
        fill(&mut self.nics, &later.nics);
        fill(&mut self.disks, &later.disks);
        let later_vcpus = later.vcpus.iter().flatten();
        for vcpu in self.vcpus.iter_mut().flatten() {
            if let Some(later) = later_vcpus.clone().find(|later| later.id == vcpu.id) {
                fill(&mut vcpu.hard_affinity, &later.hard_affinity);
                fill(&mut vcpu.soft_affinity, &later.soft_affinity);
            }
        }
        let later_nics = later.nics.iter().flatten();
        for nic in self.nics.iter_mut().flatten() {
            if let Some(later) = later_nics.clone().find(|later| later.id == nic.id) {
                fill(&mut nic.mac, &later.mac);
                if nic.counters == Counters::default() {
                    (nic.counters, nic.stamp) = (later.counters, later.stamp);
                }
            }
        }
        // A device has one stamp for all counters, so some of them alone are not filled in.
        let later_disks = later.disks.iter().flatten();
        for disk in self.disks.iter_mut().flatten() {
            if let Some(later) = later_disks.clone().find(|later| later.id == disk.id)
                && disk.counters == Counters::default()
            {
                (disk.counters, disk.stamp) = (later.counters, later.stamp);
            }
        }
    }
}

impl Domain {
    fn follow_vcpus(&mut self, later: &Self) {
        let later = later.vcpus.iter().flatten();
        for vcpu in self.vcpus.iter_mut().flatten() {
            let now = later.clone().find(|later| later.id == vcpu.id);
            match now.and_then(|now| now.state_times) {
                // The trace has gone on without it.
                None => vcpu.state_times = None,
                now => follow(&mut vcpu.state_times, now),
            }
        }
    }
}

impl Host {
    fn fill_in(&mut self, later: &Self) {
        if let Some(mut now) = later.trace {
            if let Some(before) = self.trace {
                now.most_ready = most(before.most_ready, now.most_ready);
            }
            self.trace = Some(now);
        }
        fill(
            &mut self.memory_free_after_bytes,
            &later.memory_free_after_bytes,
        );
        fill(
            &mut self.memory_free_at_nodes_bytes,
            &later.memory_free_at_nodes_bytes,
        );
        fill(&mut self.uptime_ns, &later.uptime_ns);
        fill(&mut self.shared, &later.shared);
        fill(&mut self.nodes, &later.nodes);
        fill(&mut self.pcpu_clocks, &later.pcpu_clocks);
        fill(&mut self.dom0_vcpus, &later.dom0_vcpus);
        fill(&mut self.pools, &later.pools);
        fill(&mut self.build, &later.build);
        fill(&mut self.dom0, &later.dom0);
        let later_nodes = later.nodes.iter().flatten();
        for node in self.nodes.iter_mut().flatten() {
            if let Some(later) = later_nodes.clone().find(|later| later.id == node.id) {
                fill(&mut node.memory_bytes, &later.memory_bytes);
                fill(&mut node.memory_free_bytes, &later.memory_free_bytes);
            }
        }
        // Both are ordered by number, without gaps.
        for (pcpu, later) in self.pcpu.iter_mut().zip(&later.pcpu) {
            fill(&mut pcpu.socket, &later.socket);
            fill(&mut pcpu.core, &later.core);
            fill(&mut pcpu.node, &later.node);
        }
    }
}

/// Sets the value to the later one if it is `None`.
fn fill<T: Clone>(value: &mut Option<T>, later: &Option<T>) {
    if value.is_none() {
        value.clone_from(later);
    }
}

/// Returns the larger one; `None` if one is unknown.
fn most(one: Option<u32>, other: Option<u32>) -> Option<u32> {
    one.zip(other).map(|(one, other)| one.max(other))
}

/// Raises the longest wait to that of earlier state times.
fn raise(times: &mut Option<StateTimes>, earlier: Option<StateTimes>) {
    if let (Some(times), Some(earlier)) = (times, earlier) {
        times.longest_wait_ns = times.longest_wait_ns.max(earlier.longest_wait_ns);
    }
}

/// Goes on to later state times, with the longest wait of both.
fn follow(times: &mut Option<StateTimes>, later: Option<StateTimes>) {
    if let Some(mut now) = later {
        let before = times.map_or(0, |times| times.longest_wait_ns);
        now.longest_wait_ns = now.longest_wait_ns.max(before);
        *times = Some(now);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::fixtures::{SECOND, audited, domain, equipped, troubled};
    use crate::rates::Rates;
    use crate::snapshot::Collect;

    /// Returns the snapshot as it would be if only the states had been collected.
    fn bare(mut snapshot: Snapshot) -> Snapshot {
        for domain in &mut snapshot.domains {
            *domain = Domain {
                name: None,
                paging_pool_bytes: None,
                grant_table_bytes: None,
                pod: None,
                memory_static_max_bytes: None,
                memory_target_bytes: None,
                memory_videoram_bytes: None,
                xenstore_uuid: None,
                target_domain: None,
                vcpus_available: None,
                scheduling: None,
                vcpus: None,
                nics: None,
                disks: None,
                ..domain.clone()
            };
        }
        let host = &mut snapshot.host;
        (host.nodes, host.pools, host.build, host.dom0) = (None, None, None, None);
        host.memory_free_after_bytes = None;
        host.memory_free_at_nodes_bytes = None;
        (host.uptime_ns, host.shared) = (None, None);
        (host.pcpu_clocks, host.dom0_vcpus) = (None, None);
        for pcpu in &mut host.pcpu {
            (pcpu.socket, pcpu.core, pcpu.node) = (None, None, None);
        }
        snapshot.collected = Collect::default();
        snapshot
    }

    #[test]
    fn everything_that_was_not_collected_is_filled_in() {
        for later in [equipped().1, audited(SECOND)] {
            let mut filled = bare(later.clone());
            filled.fill_in(&later);
            assert_eq!(filled, later);
        }
    }

    #[test]
    fn the_longest_wait_is_told_whenever_it_was() {
        let (mut filled, mut later) = troubled();
        let longest = |snapshot: &mut Snapshot, ns| {
            let times = snapshot.domains[1].state_times.as_mut().unwrap();
            times.longest_wait_ns = ns;
        };
        longest(&mut filled, 7);
        longest(&mut later, 5);
        filled.host.trace.as_mut().unwrap().most_ready = Some(4);
        filled.fill_in(&later);
        let (web, after) = (&filled.domains[1], &later.domains[1]);
        let expected = StateTimes {
            longest_wait_ns: 7,
            ..after.state_times.unwrap()
        };
        assert_eq!(web.state_times, Some(expected));
        assert_eq!(web.waited_for_ns, after.waited_for_ns);
        let (trace, after) = (filled.host.trace.unwrap(), later.host.trace.unwrap());
        assert_eq!(
            (trace.elapsed_ns, trace.most_ready),
            (after.elapsed_ns, Some(4))
        );
        // A trace that begins with the later sample begins in this one.
        let mut untraced = troubled().0;
        (untraced.host.trace, untraced.domains[1].state_times) = (None, None);
        untraced.fill_in(&later);
        assert_eq!(untraced.host.trace, later.host.trace);
        assert_eq!(
            untraced.domains[1].state_times,
            later.domains[1].state_times
        );
    }

    #[test]
    fn parts_of_devices_and_nodes_are_filled_in() {
        let later = equipped().1;
        let mut part = later.clone();
        let web = &mut part.domains[1];
        web.nics.as_mut().unwrap()[0].mac = None;
        web.nics.as_mut().unwrap()[0].counters = Counters::default();
        web.disks.as_mut().unwrap()[0].counters = Counters::default();
        web.vcpus.as_mut().unwrap()[0].hard_affinity = None;
        web.vcpus.as_mut().unwrap()[0].soft_affinity = None;
        let node = &mut part.host.nodes.as_mut().unwrap()[0];
        (node.memory_bytes, node.memory_free_bytes) = (None, None);
        part.fill_in(&later);
        assert_eq!(part, later);
    }

    #[test]
    fn known_figures_and_rates_do_not_change() {
        let (first, second) = equipped();
        let rates = Rates::between(Some(&first), &second);
        let mut filled = second.clone();
        filled.domains[1].vcpus = None;
        let mut later = second.clone();
        for domain in &mut later.domains {
            domain.cpu_time_ns += SECOND;
            domain.stamp.at_ns += SECOND;
        }
        let web = &mut later.domains[1];
        for vcpu in web.vcpus.iter_mut().flatten() {
            vcpu.cpu_time_ns += SECOND / 4;
            vcpu.stamp.at_ns += SECOND;
        }
        // Another domain with the same ID has nothing to give.
        later.domains[2] = domain(9, "db", 0, 0);
        later.domains[2].uuid = uuid::Uuid::nil();
        filled.fill_in(&later);
        assert_eq!(filled.domains[2], second.domains[2]);
        let new = Rates::between(Some(&first), &filled);
        assert_eq!(new.domains[1].cpu_percent, rates.domains[1].cpu_percent);
        assert_eq!(new.domains[1].nics, rates.domains[1].nics);
        // 50 % over two seconds, and 25 % over another one, are 125 % in three seconds.
        let vcpu = new.domains[1].vcpu_percent[0].unwrap().value;
        assert!((vcpu - 125.0 / 3.0).abs() < 0.01, "{vcpu}");
    }
}
