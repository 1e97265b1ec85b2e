//! The policy's one table.

use std::net::Ipv4Addr;

use chadburn_host::secret::Secret;

use super::*;

fn policy(orders: Reach, shutdown: Reach, token: Option<&str>, private: bool) -> Policy {
    let token = token.and_then(Secret::new);
    let visitors = Visitors { token, private, ..Visitors::default() };
    Policy { visitors, reaches: Reaches { orders, shutdown } }
}

fn every_peer() -> [Peer; 4] {
    let bits = [(true, true), (true, false), (false, true), (false, false)];
    bits.map(|(local, trusted)| Peer { address: Ipv4Addr::LOCALHOST.into(), local, trusted })
}

#[test]
fn every_peer_and_every_act() {
    let reaches = [Reach::Never, Reach::Local, Reach::Any];
    let within = |reach, peer: &Peer, refusal| match reach {
        Reach::Any => Ok(()),
        Reach::Local if peer.local => Ok(()),
        Reach::Local | Reach::Never => Err(refusal),
    };
    let mut judged = 0;
    for (orders, shutdown) in reaches.iter().flat_map(|one| reaches.map(|other| (*one, other))) {
        for token in [None, Some("brass")] {
            let policy = policy(orders, shutdown, token, false);
            for peer in every_peer() {
                let shut_out = token.is_some() && !peer.trusted;
                for (act, otherwise) in [
                    (Act::Order, within(orders, &peer, Refusal::Order)),
                    (Act::Shutdown, within(shutdown, &peer, Refusal::Shutdown)),
                    (Act::Answer, Ok(())),
                ] {
                    let expected = if shut_out { Err(Refusal::TokenRequired) } else { otherwise };
                    assert_eq!(policy.judge(&peer, act), expected, "{act:?} {peer:?} {policy:?}");
                    judged += 1;
                }
            }
        }
    }
    assert_eq!(judged, 9 * 2 * 4 * 3);
}

#[test]
fn reading_needs_the_token_only_where_it_is_private() {
    for private in [false, true] {
        for peer in every_peer() {
            let policy = policy(Reach::Never, Reach::Any, Some("brass"), private);
            let refused = private && !peer.trusted;
            let expected = if refused { Err(Refusal::TokenRequired) } else { Ok(()) };
            assert_eq!(policy.judge(&peer, Act::Read), expected, "{private} {peer:?}");
            let open = self::policy(Reach::Never, Reach::Never, None, false);
            assert_eq!(open.judge(&peer, Act::Read), Ok(()));
        }
    }
}

#[test]
fn a_refusal_says_what_would_help() {
    assert!(Refusal::Order.to_string().contains("--allow-orders"));
    assert_eq!(Refusal::TokenRequired.to_string(), "Refused: this needs the token.");
}
