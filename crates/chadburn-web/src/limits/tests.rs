//! Addresses that come, ask and leave.

use super::*;

const NOON: Duration = Duration::from_hours(12);

fn limited(connections: u32, requests: u32) -> Accounts {
    Accounts::new(Limits {
        connections: NonZeroU32::new(connections),
        requests: NonZeroU32::new(requests),
        token_configured: false,
    })
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn ms(milliseconds: u64) -> Duration {
    NOON + Duration::from_millis(milliseconds)
}

#[test]
fn without_limits_nothing_is_refused_and_nothing_kept() {
    let mut guests = limited(0, 0);
    let mut here = Vec::new();
    for _ in 0..1_000 {
        here.push(guests.connect(address("10.0.0.1"), NOON).unwrap());
        guests.request(address("10.0.0.1"), NOON).unwrap();
    }
    assert!(guests.addresses.is_empty());
}

#[test]
fn an_address_has_so_many_connections_and_another_has_its_own() {
    let mut guests = limited(2, 0);
    let (one, other) = (address("10.0.0.1"), address("10.0.0.2"));
    let first = guests.connect(one, NOON).unwrap();
    let _second = guests.connect(one, NOON).unwrap();
    assert_eq!(guests.connect(one, NOON).unwrap_err(), LimitReached { is_first: true });
    assert_eq!(guests.connect(one, NOON).unwrap_err(), LimitReached { is_first: false });
    let _neighbour = guests.connect(other, NOON).unwrap();
    drop(first);
    let _third = guests.connect(one, NOON).unwrap();
    guests.connect(one, NOON).unwrap_err();
}

#[test]
fn an_address_asks_so_often_a_second_evenly_or_at_once() {
    let mut guests = limited(0, 4);
    let (one, other) = (address("10.0.0.1"), address("10.0.0.2"));
    for _ in 0..4 {
        guests.request(one, NOON).unwrap();
    }
    assert_eq!(guests.request(one, NOON), Err(LimitReached { is_first: true }));
    assert_eq!(guests.request(one, ms(249)), Err(LimitReached { is_first: false }));
    guests.request(other, ms(249)).unwrap();
    guests.request(one, ms(250)).unwrap();
    guests.request(one, ms(250)).unwrap_err();
    for quarter in 2..40 {
        guests.request(one, ms(250 * quarter)).unwrap();
        guests.request(one, ms(250 * quarter)).unwrap_err();
    }
    for _ in 0..4 {
        guests.request(one, ms(20_000)).unwrap();
    }
    guests.request(one, ms(20_000)).unwrap_err();
}

#[test]
fn asking_in_vain_does_not_lengthen_the_wait() {
    let mut guests = limited(0, 1);
    let one = address("10.0.0.1");
    guests.request(one, NOON).unwrap();
    for millisecond in 0..1_000 {
        guests.request(one, ms(millisecond)).unwrap_err();
    }
    guests.request(one, ms(1_000)).unwrap();
}

#[test]
fn a_connection_that_comes_again_does_not_forget_what_it_asked() {
    let mut guests = limited(1, 1);
    let one = address("10.0.0.1");
    let address_permit = guests.connect(one, NOON).unwrap();
    guests.request(one, NOON).unwrap();
    drop(address_permit);
    let _guest = guests.connect(one, NOON).unwrap();
    guests.request(one, NOON).unwrap_err();
}

#[test]
fn a_prefix_is_one_address() {
    let mut guests = limited(1, 0);
    let _first = guests.connect(address("2001:db8::1"), NOON).unwrap();
    guests.connect(address("2001:db8::ffff:2"), NOON).unwrap_err();
    let _next_door = guests.connect(address("2001:db8:0:1::1"), NOON).unwrap();
    let _old = guests.connect(address("::ffff:10.0.0.1"), NOON).unwrap();
    guests.connect(address("10.0.0.1"), NOON).unwrap_err();
}

#[test]
fn whoever_has_left_is_forgotten_and_whoever_is_here_is_not() {
    let mut guests = limited(1, 1);
    let mut here = Vec::new();
    for host in 0..100_u32 {
        here.push(guests.connect(IpAddr::from(host.to_be_bytes()), NOON).unwrap());
    }
    let mut most = 0;
    for visitor in 1_000..100_000_u32 {
        let from = IpAddr::from(visitor.to_be_bytes());
        // A thousand of them a second.
        let now = ms(u64::from(visitor));
        guests.request(from, now).unwrap();
        drop(guests.connect(from, now).unwrap());
        most = most.max(guests.addresses.len());
    }
    assert!(most <= 2 * (100 + 1_001), "{most} were kept");
    for host in 0..100_u32 {
        guests.connect(IpAddr::from(host.to_be_bytes()), ms(200_000)).unwrap_err();
    }
}

#[test]
fn an_address_may_guess_twenty_times_and_then_once_a_second() {
    let mut guests = Accounts::new(Limits { token_configured: true, ..Limits::default() });
    let (one, other) = (address("10.0.0.1"), address("10.0.0.2"));
    for _ in 0..20 {
        assert!(guests.try_token(one, NOON).is_ok());
        guests.wrong_token(one, NOON);
    }
    assert!(guests.try_token(one, NOON).is_err());
    assert!(guests.try_token(other, NOON).is_ok(), "it is another's");
    assert!(guests.try_token(one, ms(999)).is_err());
    assert!(guests.try_token(one, ms(1_000)).is_ok());
    guests.wrong_token(one, ms(1_000));
    assert!(guests.try_token(one, ms(1_000)).is_err());
    // However many more there were, it ends, and what is over is forgotten.
    let address_permit = guests.connect(one, ms(1_000)).unwrap();
    (0..1_000).for_each(|_| address_permit.wrong_token());
    assert!(guests.try_token(one, ms(1_000)).is_err());
    assert!(guests.try_token(one, ms(2_000)).is_ok());
    drop(address_permit);
    assert!(
        guests.addresses[&one].can_be_forgotten(ms(21_000))
            && !guests.addresses[&one].can_be_forgotten(ms(20_999))
    );
}

#[test]
fn whoever_gave_a_wrong_token_and_never_came_again_is_forgotten_too() {
    let mut guests = Accounts::new(Limits { token_configured: true, ..Limits::default() });
    let mut most = 0;
    for visitor in 1_000..100_000_u32 {
        let from = IpAddr::from(visitor.to_be_bytes());
        // A hundred of them a second, each of which has to wait for a second.
        let now = ms(10 * u64::from(visitor));
        guests.connect(from, now).unwrap().wrong_token();
        most = most.max(guests.addresses.len());
    }
    assert!(most <= 1_000, "{most} were kept");
}
