//! Plans and applies under a simulated portal, a fixed set of seeds.

#[path = "../../examples/simulate/disk.rs"]
mod disk;
#[path = "../../examples/simulate/faults.rs"]
mod faults;
#[path = "../../examples/simulate/invariants.rs"]
mod invariants;
#[path = "../../examples/simulate/offer.rs"]
mod offer;
#[path = "../../examples/simulate/run.rs"]
#[expect(dead_code, reason = "the example also tells the history of a run")]
mod run;
#[path = "../../examples/simulate/watch.rs"]
mod watch;
#[path = "../../examples/simulate/world.rs"]
mod world;

fn all_hold(seeds: std::ops::Range<u64>) {
    for seed in seeds {
        let violations = run::simulate(seed, false).violations;
        assert!(violations.is_empty(), "`cargo run --example simulate -- --seed {seed}`:\n{}", violations.join("\n"));
    }
}

#[test]
fn every_rule_holds_in_the_first_thousand_seeds() {
    all_hold(0..1_000);
}

#[test]
fn every_rule_holds_in_the_second_thousand_seeds() {
    all_hold(1_000..2_000);
}
