//! What can go wrong with a request, drawn from the seed.
//!
//! Owns which faults there are and how often each comes.

use fastrand::Rng;

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing does.
    None,
    /// There is no connection: it never leaves.
    NoConnection,
    /// No answer ever comes; whether it was carried out is drawn, too.
    Hang { after_effect: bool },
    /// The connection breaks.
    Broken { after_effect: bool },
    /// A 5xx.
    Server { status: u16, after_effect: bool },
    /// A 429, or a 503 that says for how long.
    Throttled { status: u16, seconds: u64 },
    /// The token is not accepted (any more).
    Unauthorized,
    /// A clear no of another kind, or a redirect.
    Turned(u16),
    /// A body that is none, or an empty document.
    Garbage(&'static str),
    /// An answer about something else.
    OtherThing,
    /// An entity tag that is none.
    BrokenTag,
}

/// How often faults come, in one run.
#[derive(Debug, Clone, Copy)]
pub struct Weather {
    pub reads: f64,
    pub calls: f64,
}

impl Weather {
    /// Fair for one run in three, foul for some.
    pub fn draw(rng: &mut Rng) -> Self {
        let reads = [0.0, 0.0, 0.02, 0.1, 0.1, 0.3][rng.usize(..6)];
        Self { reads, calls: if rng.u32(..10) == 0 { 0.9 } else { reads } }
    }

    /// Whether nothing fails.
    pub const fn is_calm(self) -> bool {
        self.reads <= 0.0 && self.calls <= 0.0
    }

    /// The fault of one request.
    pub fn fault(self, is_call: bool, rng: &mut Rng) -> Fault {
        if rng.f64() >= if is_call { self.calls } else { self.reads } {
            return Fault::None;
        }
        let after_effect = rng.bool();
        match rng.u32(..16) {
            0 => Fault::NoConnection,
            1 | 2 => Fault::Hang { after_effect },
            3 | 4 => Fault::Broken { after_effect },
            5 | 6 => Fault::Server { status: [500, 502, 503][rng.usize(..3)], after_effect },
            7 | 8 => Fault::Throttled { status: [429, 503][rng.usize(..2)], seconds: rng.u64(..=40) },
            9 | 10 => Fault::Unauthorized,
            11 => Fault::Turned([400, 403, 404, 409][rng.usize(..4)]),
            12 => Fault::Turned(302),
            13 => Fault::Garbage(["<html>", "{}", "null"][rng.usize(..3)]),
            14 => Fault::OtherThing,
            _ => Fault::BrokenTag,
        }
    }
}
