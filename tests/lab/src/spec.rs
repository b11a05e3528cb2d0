//! Parses the specifications of guests (`pvh:burn,pv:disk`) and of empty domains (`400@300:hvm`).

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use anyhow::{Context, Error, Result, bail};

/// How a guest is virtualised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Paravirtualised.
    Pv,
    /// Hardware-virtualised without a device model.
    Pvh,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pv => "pv",
            Self::Pvh => "pvh",
        })
    }
}

/// What a guest does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Load {
    /// Burns one vCPU.
    Burn,
    /// Reads its disk.
    Disk,
    /// Sends packets to dom0.
    Net,
    /// Nothing.
    Idle,
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Burn => "burn",
            Self::Disk => "disk",
            Self::Net => "net",
            Self::Idle => "idle",
        })
    }
}

/// One guest to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guest {
    /// Its unique name in Xen: `pvh-burn`, `pvh-burn-2`.
    pub name: String,
    /// Its number in the list, from 1: its address is 10.77.NUMBER.2, dom0's 10.77.NUMBER.1.
    pub number: u8,
    /// How it is virtualised.
    pub kind: Kind,
    /// What it does.
    pub load: Load,
    /// How many vCPUs it has.
    pub vcpus: u16,
    /// Whether it has a NIC.
    pub nic: bool,
}

/// The guests to start, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Guests(pub Vec<Guest>);

impl FromStr for Guests {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut seen: HashMap<String, u32> = HashMap::new();
        let mut guests = Vec::new();
        for (index, part) in text.split(',').filter(|part| !part.is_empty()).enumerate() {
            let number = u8::try_from(index + 1).context("too many guests: 255 at most")?;
            let mut guest =
                guest(part, number).with_context(|| format!("guest '{part}' is not TYPE:LOAD"))?;
            let count = seen.entry(guest.name.clone()).or_default();
            *count += 1;
            if *count > 1 {
                guest.name = format!("{}-{count}", guest.name);
            }
            guests.push(guest);
        }
        Ok(Self(guests))
    }
}

fn guest(text: &str, number: u8) -> Result<Guest> {
    let mut words = text.split(':');
    let kind = match words.next() {
        Some("pv") => Kind::Pv,
        Some("pvh") => Kind::Pvh,
        _ => bail!("TYPE is pv or pvh"),
    };
    let load = match words.next() {
        Some("burn") => Load::Burn,
        Some("disk") => Load::Disk,
        Some("net") => Load::Net,
        Some("idle") => Load::Idle,
        _ => bail!("LOAD is burn, disk, net or idle"),
    };
    let mut guest = Guest {
        name: format!("{kind}-{load}"),
        number,
        kind,
        load,
        vcpus: 1,
        nic: true,
    };
    for word in words {
        if word == "nonic" {
            guest.nic = false;
        } else if let Some(vcpus) = word.strip_prefix("vcpus=") {
            guest.vcpus = vcpus
                .parse()
                .ok()
                .filter(|vcpus| (1..=64).contains(vcpus))
                .context("vcpus= takes 1 to 64")?;
        } else {
            bail!("'{word}' is neither vcpus=N nor nonic");
        }
    }
    if load == Load::Net && !guest.nic {
        bail!("a guest without a NIC cannot send packets");
    }
    Ok(guest)
}

/// Empty paused domains to create, as `lab-shells` in dom0 takes them: `N[@FIRST][:hvm|:pvh][:nameless][:name=NAME]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shells(pub String);

impl FromStr for Shells {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut words = text.split(':');
        let numbers = words.next().unwrap_or_default();
        let (count, first) = match numbers.split_once('@') {
            Some((count, first)) => (count, Some(first)),
            None => (numbers, None),
        };
        let count: u16 = count
            .parse()
            .ok()
            .filter(|&count| count > 0)
            .with_context(|| format!("'{text}' does not begin with a number of domains"))?;
        if let Some(first) = first {
            // 0x7ff0 is the first reserved domid.
            first
                .parse::<u16>()
                .ok()
                .filter(|&first| first > 0 && u32::from(first) + u32::from(count) <= 0x7ff0)
                .with_context(|| format!("'{text}': domids go from 1 to 32751"))?;
        }
        for word in words {
            let name = word
                .strip_prefix("name=")
                .is_some_and(|name| !name.is_empty());
            if !name && !["hvm", "pvh", "nameless"].contains(&word) {
                bail!("'{word}' is neither hvm nor pvh nor nameless nor name=NAME");
            }
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_are_named_by_type_and_load() -> Result<()> {
        let guests: Guests = "pvh:burn,pv:disk:nonic,pvh:burn:vcpus=2".parse()?;
        let names: Vec<_> = guests.0.iter().map(|guest| guest.name.as_str()).collect();
        assert_eq!(names, ["pvh-burn", "pv-disk", "pvh-burn-2"]);
        assert_eq!(guests.0[0].kind, Kind::Pvh);
        assert_eq!(guests.0[1].load, Load::Disk);
        assert!(!guests.0[1].nic);
        assert_eq!((guests.0[2].vcpus, guests.0[2].number), (2, 3));
        Ok(())
    }

    #[test]
    fn an_empty_list_of_guests_is_valid() -> Result<()> {
        assert_eq!("".parse::<Guests>()?, Guests::default());
        Ok(())
    }

    #[test]
    fn impossible_guests_are_refused() {
        for text in [
            "hvm:burn",
            "pv",
            "pv:sleep",
            "pv:net:nonic",
            "pv:idle:vcpus=0",
            "pv:idle:fast",
        ] {
            assert!(text.parse::<Guests>().is_err(), "{text}");
        }
    }

    #[test]
    fn shells_are_checked_before_the_boot() {
        for text in [
            "1",
            "400@300",
            "3:hvm:nameless",
            "1:pvh",
            "1:name=a b",
            "1@32751",
        ] {
            assert!(text.parse::<Shells>().is_ok(), "{text}");
        }
        for text in ["", "0", "x@3", "2@0", "2@32751", "1:pv", "1:name="] {
            assert!(text.parse::<Shells>().is_err(), "{text}");
        }
    }
}
