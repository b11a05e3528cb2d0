//! The panes over all domains: a row for each vCPU, pCPU, NIC or disk.

mod column;
mod fit;
mod list_pane;
mod pane;
mod rows;
mod sort_list;
#[cfg(test)]
mod tests;
mod things;

use crate::sample::{DiskSample, NicSample, PcpuSample, VcpuSample};
use crate::view::tui::action::List;
use list_pane::ListPane;
use pane::Listing;
pub(super) use sort_list::SortList;

/// The panes. Each keeps its order and its cursor while another one is shown.
#[derive(Debug, Default)]
pub(super) struct Lists {
    vcpus: Listing<VcpuSample<'static>>,
    pcpus: Listing<PcpuSample<'static>>,
    nics: Listing<NicSample<'static>>,
    disks: Listing<DiskSample<'static>>,
}

impl Lists {
    /// Returns the pane with this list.
    pub(super) fn of(&self, list: List) -> &dyn ListPane {
        match list {
            List::Vcpus => &self.vcpus,
            List::Pcpus => &self.pcpus,
            List::Nics => &self.nics,
            List::Disks => &self.disks,
        }
    }

    /// Returns the pane with this list.
    pub(super) fn of_mut(&mut self, list: List) -> &mut dyn ListPane {
        match list {
            List::Vcpus => &mut self.vcpus,
            List::Pcpus => &mut self.pcpus,
            List::Nics => &mut self.nics,
            List::Disks => &mut self.disks,
        }
    }
}
