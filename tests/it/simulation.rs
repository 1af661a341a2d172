//! Plans and applies under simulated portals, a fixed set of seeds.

#[path = "../../examples/simulate/cloud_partner.rs"]
mod cloud_partner;
#[path = "../../examples/simulate/disk.rs"]
mod disk;
#[path = "../../examples/simulate/faults.rs"]
mod faults;
#[path = "../../examples/simulate/invariants.rs"]
mod invariants;
#[path = "../../examples/simulate/offer.rs"]
mod offer;
#[path = "../../examples/simulate/partner_center.rs"]
mod partner_center;
#[path = "../../examples/simulate/product_ingestion.rs"]
mod product_ingestion;
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
fn every_rule_holds_in_the_first_five_hundred_seeds() {
    all_hold(0..500);
}

#[test]
fn every_rule_holds_in_the_second_five_hundred_seeds() {
    all_hold(500..1_000);
}
