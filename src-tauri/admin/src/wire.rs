//! The plan as it travels in an argument: JSON in base64, bounded, read strictly.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use igloo_protocol::plan::{Plan, Sha256};
use igloo_protocol::{Code, Problem};
use sha2::Digest;

/// The longest argument that `igloo-admin` reads, in bytes.
pub const MAX_PLAN: usize = 64 * 1024;

/// The plan as `igloo-admin`'s argument. Warnings are for people and stay behind.
pub fn encode(plan: &Plan) -> Result<String, Problem> {
    let bare = Plan { warnings: Vec::new(), ..plan.clone() };
    let json = serde_json::to_vec(&bare).map_err(|e| bad(format!("The plan can't be written: {e}")))?;
    let text = STANDARD.encode(json);
    if text.len() > MAX_PLAN { Err(bad("The plan is too long".into())) } else { Ok(text) }
}

/// Reads `igloo-admin`'s argument.
pub fn decode(text: &str) -> Result<Plan, Problem> {
    if text.len() > MAX_PLAN {
        return Err(bad("The plan is too long".into()));
    }
    let json = STANDARD.decode(text).map_err(|e| bad(format!("The plan is not base64: {e}")))?;
    Plan::from_json(&json).map_err(|e| bad(format!("It is refused: {e}")))
}

/// The hash of a file's bytes.
pub(crate) fn sha256(bytes: &[u8]) -> Sha256 {
    Sha256::from_digest(sha2::Sha256::digest(bytes).into())
}

fn bad(message: String) -> Problem {
    Problem::new(Code::Usage, message, "Make a new plan with `igloo setup --plan`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plan() -> Plan {
        Plan::from_json(br#"{"version":1,"ops":["builder_key"],"files":[],"warnings":["mind"]}"#).unwrap()
    }

    #[test]
    fn a_plan_comes_back_without_its_warnings() {
        let back = decode(&encode(&plan()).unwrap()).unwrap();
        assert_eq!(back, Plan { warnings: vec![], ..plan() });
    }

    #[test]
    fn only_strict_base64_of_bounded_length_is_read() {
        let good = encode(&plan()).unwrap();
        for bad in [
            format!("{good}\n"),
            format!(" {good}"),
            format!("{good}="),
            "A".repeat(MAX_PLAN + 4),
            "{}".into(),
        ] {
            assert_eq!(decode(&bad).unwrap_err().code, Code::Usage);
        }
    }

    proptest! {
        #[test]
        fn no_argument_makes_it_panic(text in ".{0,200}", json in "[\\[\\]{}\":,a-z0-9]{0,80}") {
            let _ = decode(&text);
            let _ = decode(&STANDARD.encode(json));
        }
    }
}
