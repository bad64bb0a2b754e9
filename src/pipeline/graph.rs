//! The pipeline as a table and as a diagram.

use super::{Pipeline, Work};

impl Work {
    /// Returns the tool that does it.
    pub fn tool(&self) -> &'static str {
        match self {
            Work::Image(_) => "packer",
            Work::Module(_) => "terraform",
            Work::Verify => "pgherd",
        }
    }
}

impl Pipeline {
    /// Returns a table with each stage, its tool, what it makes and what it waits for.
    pub fn table(&self) -> Vec<Vec<String>> {
        let mut rows = vec![["stage", "tool", "what", "after"].map(String::from).to_vec()];
        for stage in &self.stages {
            let what = match &stage.work {
                Work::Image(image) => image.name.clone(),
                Work::Module(module) => module.dir.clone(),
                Work::Verify => "waits until the cluster is healthy".into(),
            };
            rows.push(vec![stage.id.clone(), stage.work.tool().into(), what, stage.needs.join(", ")]);
        }
        rows
    }

    /// Returns a Mermaid flow chart (<https://mermaid.js.org/syntax/flowchart.html>).
    pub fn mermaid(&self) -> String {
        let mut text = String::from("flowchart LR\n");
        for stage in &self.stages {
            text.push_str(&format!("  {0}[\"{0}\\n{1}\"]\n", stage.id, stage.work.tool()));
        }
        for stage in &self.stages {
            for need in &stage.needs {
                text.push_str(&format!("  {need} --> {}\n", stage.id));
            }
        }
        text
    }
}
