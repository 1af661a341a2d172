//! How many requests, and how often: what a portal that asks for fewer is given.
//!
//! Owns the numbers, and is handed the time. As long as the portal never asks, the most that
//! was set are under way at once and nothing else holds them up. The first 429 closes the
//! way for as long as its `Retry-After` says, for all requests together; it halves how many may
//! be under way; and from then on requests are spaced out, because on a portal that answers fast
//! even one at a time can be too many. How far apart follows from how many the portal has let
//! through in the time since it last asked, the closed time counted. That is held for a
//! while, then less and less space is left until the portal asks again. Each time it asks
//! at the same rate as before, that rate is held four times as long.

use std::time::Duration;

use tokio::time::Instant;

/// How long the way stays closed when the portal does not say.
const UNSAID_PAUSE: Duration = Duration::from_secs(1);

/// The longest that it stays closed when the portal does not say, and asks again and again.
const LONGEST_UNSAID_PAUSE: Duration = Duration::from_secs(30);

/// How long a rate is held at first.
const FIRST_HOLD: Duration = Duration::from_secs(2);

/// The longest that a rate is held.
const LONGEST_HOLD: Duration = Duration::from_secs(128);

/// What is counted in a shorter time than this tells nothing of a rate.
const SHORTEST_SPAN: Duration = Duration::from_millis(250);

/// Of the rate that was let through, how much is asked for: clocks differ, and packets bunch.
const MARGIN: f64 = 0.98;

/// Of the rate at which the portal asked for fewer, how much is left when nothing better is known.
const BACK_OFF: f64 = 0.7;

/// Of a rate that was held and was too high, how much is left at least.
const STEP_DOWN: f64 = 0.85;

/// How far apart two rates are that count as the same.
const SAME: f64 = 0.25;

/// The lowest rate, in requests a second. A portal that lets none through is asked this often.
const LOWEST: f64 = 0.2;

/// The lowest rate, in requests a second, to begin with: of a portal that has let a handful
/// through, or none, nothing is known yet.
const LEAST_GUESS: f64 = 5.0;

/// From this rate on, in requests a second, nothing is spaced out: the next 429 would begin it again.
const HIGHEST: f64 = 5_000.0;

/// What a request was answered, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Feedback {
    /// The portal answered it.
    Served,
    /// The portal asks for fewer, and says for how long to be left alone, or does not.
    Throttled(Option<Duration>),
    /// Nothing that says anything of how many there may be.
    Nothing,
}

/// Why a request can't begin now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    /// As many as may be are under way: one has to end first.
    ForAnother,
    /// It is too early.
    Until(Instant),
    /// The portal asked to be left alone until then.
    Closed(Instant),
}

/// Requests that are spaced out.
#[derive(Debug, Clone, Copy)]
struct Rate {
    /// In requests a second.
    held: f64,
    /// For how long it is held.
    hold: Duration,
    /// Until when it is held.
    until: Instant,
    /// When the next request may begin.
    next: Instant,
}

impl Rate {
    fn now(&self, now: Instant) -> f64 {
        // Twice as much with each second.
        self.held * now.saturating_duration_since(self.until).as_secs_f64().exp2()
    }
}

fn is_same(found: f64, before: f64) -> bool {
    (found - before).abs() <= SAME * before
}

/// The state of the way to one portal.
#[derive(Debug)]
pub(super) struct Pace {
    most: f64,
    limit: f64,
    under_way: u32,
    rate: Option<Rate>,
    /// Until when the portal wants to be left alone.
    closed: Option<Instant>,
    /// When it last asked for fewer, and at which rate; none: it is settled what follows from it.
    asked: Option<(Instant, Option<f64>)>,
    /// What began before this moment can't know of the last time that the portal asked.
    heard: Option<Instant>,
    /// Since when what the portal lets through is counted, and how many those are.
    since: Instant,
    served: u32,
    /// How often in a row it asked without having let anything through.
    refusals: u32,
}

impl Pace {
    /// At most `most` requests at once.
    pub fn new(most: usize, now: Instant) -> Self {
        let most = f64::from(u32::try_from(most.max(1)).unwrap_or(u32::MAX));
        Self {
            most,
            limit: most,
            under_way: 0,
            rate: None,
            closed: None,
            asked: None,
            heard: None,
            since: now,
            served: 0,
            refusals: 0,
        }
    }

    /// A request begins, or has to wait.
    pub fn begin(&mut self, now: Instant) -> Result<(), Wait> {
        if let Some(until) = self.closed {
            if now < until {
                return Err(Wait::Closed(until));
            }
            self.closed = None;
            self.settle(until);
        }
        if f64::from(self.under_way) >= self.limit.floor() {
            return Err(Wait::ForAnother);
        }
        if let Some(rate) = &mut self.rate {
            if now < rate.next {
                return Err(Wait::Until(rate.next));
            }
            let per_second = rate.now(now);
            // Time that nobody used is not made up for: a burst is what the portal complained of.
            rate.next = now + Duration::from_secs_f64(1.0 / per_second);
            if per_second >= HIGHEST {
                self.rate = None;
            }
        }
        self.under_way += 1;
        Ok(())
    }

    /// Whether the portal has asked to be left alone, and the time for that is not over.
    pub fn is_closed(&self, now: Instant) -> bool {
        self.closed.is_some_and(|until| now < until)
    }

    /// A request that began at `begun` has ended.
    pub fn end(&mut self, begun: Instant, feedback: Feedback, now: Instant) {
        self.under_way = self.under_way.saturating_sub(1);
        match feedback {
            Feedback::Nothing => {}
            Feedback::Served => {
                self.served = self.served.saturating_add(1);
                // One more with each round of as many as may be.
                self.limit = (self.limit + 1.0 / self.limit).min(self.most);
            }
            Feedback::Throttled(asked_pause) => self.throttled(begun, asked_pause, now),
        }
    }

    fn throttled(&mut self, begun: Instant, asked_pause: Option<Duration>, now: Instant) {
        let is_news = self.heard.is_none_or(|heard| begun > heard);
        if is_news {
            self.heard = Some(now);
            self.limit = (self.limit / 2.0).max(1.0);
            self.refusals = if self.served == 0 { self.refusals.saturating_add(1) } else { 0 };
            if self.asked.is_none() {
                self.asked = Some((now, self.rate.map(|rate| rate.now(now))));
            }
        }
        let pause = asked_pause
            .unwrap_or_else(|| (UNSAID_PAUSE * 2_u32.saturating_pow(self.refusals.min(10))).min(LONGEST_UNSAID_PAUSE));
        let until = self.closed.unwrap_or(now).max(now + pause);
        if self.asked.is_none() {
            // Nothing is learned from this one, so the time that it costs is not counted either.
            self.since += until.saturating_duration_since(now);
        }
        self.closed = Some(until);
    }

    /// What follows from the portal having asked, now that the time that it wanted is over.
    fn settle(&mut self, now: Instant) {
        let Some((asked_at, at_rate)) = self.asked.take() else { return };
        let average = |until: Instant| {
            let span = until.saturating_duration_since(self.since).max(SHORTEST_SPAN);
            f64::from(self.served) / span.as_secs_f64()
        };
        // The rate that is let through lies between these two: a portal that can be filled up with
        // requests has taken in some more before it asked, and some may have fitted into the
        // time that it was left alone.
        let (at_least, at_most) = (average(now), average(asked_at));
        let (per_second, hold) = match (self.rate, at_rate) {
            // For the first time.
            (None, _) | (_, None) => (at_least.max(LEAST_GUESS), FIRST_HOLD),
            // Not a single one was let through.
            (Some(rate), Some(at_rate)) if self.served == 0 => (rate.held.min(at_rate) / 2.0, FIRST_HOLD),
            // It asked at a rate that was thought to be right.
            (Some(rate), Some(_)) if asked_at < rate.until => {
                (at_least.clamp(rate.held * STEP_DOWN, rate.held), rate.hold)
            }
            // It was tried how much more there may be: no more, or more indeed.
            (Some(rate), Some(at_rate)) => {
                let found = if is_same(at_least, rate.held) {
                    at_least.max(rate.held / MARGIN)
                } else {
                    at_most.max(at_rate * BACK_OFF).min(at_rate)
                };
                (found, if is_same(found, rate.held) { (rate.hold * 4).min(LONGEST_HOLD) } else { FIRST_HOLD })
            }
        };
        let per_second = (per_second * MARGIN).max(LOWEST);
        self.rate = Some(Rate { held: per_second, hold, until: now + hold, next: now });
        tracing::info!(per_second, at_once = self.limit.floor(), "the portal asks for fewer requests");
        (self.since, self.served) = (now, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A portal that lets some requests through: what it says to one that comes at a time, in
    /// seconds from the start.
    trait Portal {
        fn ask(&mut self, at: f64) -> Feedback;
    }

    /// Fills with `rate` a second up to `size`.
    struct Bucket {
        rate: f64,
        size: f64,
        held: f64,
        at: f64,
        says: Option<Duration>,
    }

    impl Bucket {
        fn new(rate: f64, size: f64, says: Option<Duration>) -> Self {
            Self { rate, size, held: size, at: 0.0, says }
        }
    }

    impl Portal for Bucket {
        fn ask(&mut self, at: f64) -> Feedback {
            self.held = self.size.min(self.held + (at - self.at) * self.rate);
            self.at = at;
            if self.held < 1.0 {
                return Feedback::Throttled(self.says);
            }
            self.held -= 1.0;
            Feedback::Served
        }
    }

    /// So many in each second of the clock.
    struct Window {
        rate: u32,
        second: f64,
        count: u32,
    }

    impl Portal for Window {
        fn ask(&mut self, at: f64) -> Feedback {
            let at = at + 0.3;
            if at.floor() > self.second {
                (self.second, self.count) = (at.floor(), 0);
            }
            self.count += 1;
            if self.count > self.rate { Feedback::Throttled(Some(Duration::from_secs(1))) } else { Feedback::Served }
        }
    }

    /// Sends `wanted` requests, as soon as they may begin. Returns the seconds that it took, how
    /// many were throttled, and the most that were under way at once.
    fn send(portal: &mut impl Portal, wanted: usize, most: usize, latency: Duration) -> (f64, usize, usize) {
        let start = Instant::now();
        let (mut now, mut left, mut throttled, mut widest) = (start, wanted, 0, 0);
        let mut pace = Pace::new(most, start);
        let mut under_way: std::collections::VecDeque<(Instant, Feedback)> = [].into();
        while left > 0 || !under_way.is_empty() {
            while let Some((begun, feedback)) = under_way.front().copied().filter(|(begun, _)| *begun + latency <= now)
            {
                under_way.pop_front();
                pace.end(begun, feedback, now);
                if feedback != Feedback::Served {
                    throttled += 1;
                    left += 1;
                }
            }
            let ends = under_way.front().map(|(begun, _)| *begun + latency);
            let next = if left == 0 { Err(Wait::ForAnother) } else { pace.begin(now) };
            match next {
                Ok(()) => {
                    left -= 1;
                    under_way.push_back((now, portal.ask((now - start).as_secs_f64())));
                    widest = widest.max(under_way.len());
                }
                Err(Wait::ForAnother) => now = ends.unwrap_or(now),
                Err(Wait::Until(at) | Wait::Closed(at)) => now = ends.map_or(at, |ends| ends.min(at)),
            }
        }
        ((now - start).as_secs_f64(), throttled, widest)
    }

    const SECOND: Option<Duration> = Some(Duration::from_secs(1));

    #[test]
    fn a_portal_that_never_asks_is_never_held_up() {
        let latency = Duration::from_millis(50);
        let (took, throttled, widest) = send(&mut Bucket::new(1e9, 1e9, SECOND), 2_000, 32, latency);
        assert_eq!((throttled, widest), (0, 32));
        assert!((took - 63.0 * 0.05).abs() < 1e-6, "{took}");
    }

    #[test]
    fn twenty_a_second_are_nearly_used_up_and_seldom_exceeded() {
        for latency in [0, 1, 50].map(Duration::from_millis) {
            for most in [1, 16, 32] {
                for (name, portal) in [
                    ("filled up by twenty", Bucket::new(20.0, 20.0, SECOND)),
                    ("that does not say for how long", Bucket::new(20.0, 20.0, None)),
                    ("that says for no time", Bucket::new(20.0, 20.0, Some(Duration::ZERO))),
                ] {
                    let mut portal = portal;
                    let (took, throttled, _) = send(&mut portal, 400, most, latency);
                    assert!((18.9..22.0).contains(&took), "{name}: {took} s, {latency:?}, {most} at once");
                    assert!(throttled <= most + 20, "{name}: {throttled}, {latency:?}, {most} at once");
                }
                let (took, throttled, _) = send(&mut Window { rate: 20, second: 0.0, count: 0 }, 400, most, latency);
                assert!((18.9..25.0).contains(&took), "by the clock: {took} s, {latency:?}, {most} at once");
                assert!(throttled <= most + 20, "by the clock: {throttled}, {latency:?}, {most} at once");
            }
        }
    }

    #[test]
    fn a_portal_that_takes_few_at_once_is_found_out_in_time() {
        for (size, longest) in [(1.0, 150.0), (5.0, 120.0)] {
            let mut portal = Bucket::new(20.0, size, SECOND);
            let (took, throttled, _) = send(&mut portal, 2_000, 16, Duration::from_millis(50));
            assert!((99.0..longest).contains(&took), "{size}: {took} s");
            assert!(throttled <= 40, "{size}: {throttled}");
        }
    }

    #[test]
    fn a_portal_that_allows_more_later_is_given_more() {
        struct Later(Bucket, f64);
        impl Portal for Later {
            fn ask(&mut self, at: f64) -> Feedback {
                if at > self.1 {
                    self.0.rate = 200.0;
                }
                self.0.ask(at)
            }
        }
        let mut portal = Later(Bucket::new(20.0, 20.0, SECOND), 10.0);
        let (took, throttled, _) = send(&mut portal, 2_200, 16, Duration::from_millis(10));
        assert!(took < 40.0, "{took} s, where 20 a second take 110 and 200 a second take 20");
        assert!(throttled < 80, "{throttled}");
    }

    fn served(pace: &mut Pace, count: usize, at: Instant) {
        for _ in 0..count {
            pace.begin(at).expect("there is room");
            pace.end(at, Feedback::Served, at);
        }
    }

    #[test]
    fn one_time_of_asking_halves_once_and_closes_for_all() {
        let start = Instant::now();
        let mut pace = Pace::new(16, start);
        for _ in 0..16 {
            pace.begin(start).expect("there is room");
        }
        assert_eq!(pace.begin(start), Err(Wait::ForAnother));
        let later = start + Duration::from_millis(100);
        for wait in [3, 7, 5] {
            pace.end(start, Feedback::Throttled(Some(Duration::from_secs(wait))), later);
        }
        assert!((pace.limit - 8.0).abs() < 1e-9, "{}", pace.limit);
        // The longest of them counts, and it counts for everybody.
        assert_eq!(pace.begin(later), Err(Wait::Closed(later + Duration::from_secs(7))));
        for _ in 0..13 {
            pace.end(start, Feedback::Nothing, later);
        }
        let open = later + Duration::from_secs(7);
        assert_eq!(pace.begin(open), Ok(()));
        assert!(matches!(pace.begin(open), Err(Wait::Until(_))), "from now on they are spaced out");
    }

    #[test]
    fn what_is_under_way_grows_again_to_what_was_set_and_no_further() {
        let start = Instant::now();
        let mut pace = Pace::new(16, start);
        served(&mut pace, 100, start);
        assert!((pace.limit - 16.0).abs() < 1e-9);
        pace.begin(start).expect("there is room");
        let later = start + Duration::from_secs(1);
        pace.end(start, Feedback::Throttled(Some(Duration::ZERO)), later);
        assert!((pace.limit - 8.0).abs() < 1e-9);
        let mut at = later;
        for _ in 0..300 {
            at += Duration::from_secs(1);
            served(&mut pace, 1, at);
        }
        assert!((pace.limit - 16.0).abs() < 1e-9, "{}", pace.limit);
    }

    #[test]
    fn who_does_not_say_for_how_long_is_left_alone_for_longer_each_time() {
        let start = Instant::now();
        let mut pace = Pace::new(1, start);
        let mut at = start;
        let mut waits = Vec::new();
        for _ in 0..8 {
            let begun = at;
            pace.begin(begun).expect("its turn");
            at += Duration::from_millis(1);
            pace.end(begun, Feedback::Throttled(None), at);
            let Err(Wait::Closed(until)) = pace.begin(at) else { panic!("it is closed") };
            waits.push((until - at).as_secs());
            at = until + Duration::from_secs(30);
        }
        assert_eq!(waits, [2, 4, 8, 16, 30, 30, 30, 30]);
    }
}
