//! What a step shows without any call: its summary, its annotations, its outputs.
//!
//! Owns the files of the runner and their limits.

use std::path::Path;

use anyhow::{Context as _, anyhow};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};

use super::super::github::{below_directory, directory_in_repository};
use super::super::step_summary::{self, append};
use super::Report;
use crate::report::{self, Annotation};

/// How much of a summary a plan may fill where an outcome follows.
const SUMMARY_SHARE: usize = 600 * 1024;

impl Report<'_> {
    pub(super) fn summary(&self) -> anyhow::Result<()> {
        self.add_to_summary(|room| match self.outcome {
            None => report::plan_markdown(self.plan, self.links, room),
            Some(outcome) => {
                let first = report::outcome_markdown(outcome, self.plan, self.links, room / 3);
                let plan = report::plan_markdown(self.plan, self.links, SUMMARY_SHARE.min(room - room / 3));
                format!("{first}\n<details><summary>The plan that was applied</summary>\n\n{plan}\n</details>\n")
            }
        })
    }

    /// Adds to the summary what `page` makes of the room that is left in it.
    pub(super) fn add_to_summary(&self, page: impl FnOnce(usize) -> String) -> anyhow::Result<()> {
        step_summary::add(self.summary_file()?, page)
    }

    fn summary_file(&self) -> anyhow::Result<&Path> {
        let path = self.request.summary_file.as_deref();
        path.ok_or_else(|| anyhow!("GITHUB_STEP_SUMMARY is not set; is this a step of a workflow?"))
    }

    pub(super) fn annotations(&self) -> anyhow::Result<()> {
        let mut annotations = report::annotations(self.plan, self.outcome, self.links);
        self.place_in_repository(&mut annotations);
        self.console.result(&report::workflow_commands(&annotations))
    }

    /// Makes the paths of annotations relative to the root of the repository.
    pub(super) fn place_in_repository(&self, annotations: &mut [Annotation]) {
        let directory = self.directory();
        for annotation in annotations {
            if let Some((file, _)) = annotation.place.as_mut() {
                *file = below_directory(&directory, file);
            }
        }
    }

    /// The working directory below the root of the repository; empty where they are one.
    pub(super) fn directory(&self) -> String {
        directory_in_repository(self.request.workspace.as_deref())
    }

    pub(super) fn outputs(&self) -> anyhow::Result<()> {
        let path = self
            .request
            .output_file
            .as_deref()
            .ok_or_else(|| anyhow!("GITHUB_OUTPUT is not set; is this a step of a workflow?"))?;
        let outputs = report::outputs(self.plan, self.outcome, self.links);
        if outputs.iter().any(|(name, value)| name == "plan-json" && value.is_empty()) {
            self.console.note("the plan is too large for the output `plan-json`, which is empty; use the file\n");
        }
        append_outputs(path, &outputs)
    }
}

pub(super) fn append_outputs(path: &Path, outputs: &[(String, String)]) -> anyhow::Result<()> {
    let mut random = [0; 16];
    SystemRandom::new().fill(&mut random).map_err(|_| anyhow!("the system gives no random numbers"))?;
    let delimiter = format!("end-of-output-{:032x}", u128::from_le_bytes(random));
    let text = report::output_file(outputs, &delimiter).context("a value holds the delimiter")?;
    append(path, &text)
}
