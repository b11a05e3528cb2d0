//! What stands where at three sizes.

use super::*;

#[test]
fn everything_usual_is_on_80_by_24() {
    let screen = lines(&mut watching(12), 80, 24);
    for part in [
        "Xen 4.17.5",
        "1970-01-01 00:00:00 UTC",
        "over 1.00 s, every 3 s",
    ] {
        assert!(screen[0].contains(part), "{part}: {}", screen[0]);
    }
    let titles = " ID NAME     STATE     VCPU CPU%▼ BUSY     LATELY    MEM  RX/s  TX/s  RD/s  WR/s";
    assert!(screen[4].starts_with(titles), "{}", screen[4]);
}

#[test]
fn devices_stand_below_their_domain() {
    let mut state = watching(3);
    keys(&mut state, "nb");
    let screen = lines(&mut state, 80, 24);
    assert!(screen[5].starts_with("  2 guest-2"), "{}", screen[5]);
    assert!(
        screen[6].starts_with("    nic  0   vif9.0   rx  2.0K/s"),
        "{}",
        screen[6]
    );
    assert!(screen[7].starts_with("    nic  1"), "{}", screen[7]);
    assert!(
        screen[8].starts_with("    disk xvda blkback read  2.0M/s"),
        "{}",
        screen[8]
    );
    assert!(screen[9].starts_with("  1 guest-1"), "{}", screen[9]);
}

#[test]
fn no_size_is_too_small() {
    for width in 0..30 {
        for height in 0..10 {
            for typed in ["", "?", "/web", "nbvR"] {
                let mut state = watching(5);
                keys(&mut state, typed);
                lines(&mut state, width, height);
            }
        }
    }
    let screen = lines(&mut watching(5), 20, 5);
    assert_eq!(screen[1], "NAME     CPU%▼   MEM");
    assert_eq!(screen[2], "guest-4   80.0  128M");
}
