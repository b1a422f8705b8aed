//! What is looked at before policies are read: Cedar reads, checks and drops expressions by functions that call themselves, and one that
//! is deep enough would overflow the stack and end a server that runs.

use super::Fault;
use std::path::Path;

/// Largest file of policies, in bytes.
pub(super) const LARGEST: u64 = 1024 * 1024;
/// Most brackets within each other.
const DEEPEST: usize = 100;
/// Most operators in one policy: each may be an expression within that of the next.
const MOST_OPERATORS: usize = 200;
/// Stack of the thread that reads policies, in bytes.
pub(super) const STACK: usize = 64 * 1024 * 1024;

/// What is too large to be looked at.
pub(super) fn too_large(file: &Path, length: u64) -> Option<Fault> {
    (length > LARGEST).then(|| Fault {
        file: file.to_owned(),
        line: 1,
        reason: format!("has {length} bytes, and {LARGEST} are allowed"),
        remedy: "distribute the policies over several files of a folder".to_owned(),
    })
}

/// The first place that is too deep to be read.
pub(super) fn too_deep(file: &Path, text: &str) -> Option<Fault> {
    let fault = |line: usize, reason: String, remedy: &str| {
        Some(Fault {
            file: file.to_owned(),
            line,
            reason,
            remedy: remedy.to_owned(),
        })
    };
    let bytes = text.as_bytes();
    let in_word = |at: Option<usize>| {
        at.and_then(|at| bytes.get(at))
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
    };
    let (mut at, mut line, mut depth, mut operators) = (0_usize, 1_usize, 0_usize, 0_usize);
    while let Some(byte) = bytes.get(at) {
        let rest = &bytes[at..];
        at += 1;
        match byte {
            b'\n' => line += 1,
            b'"' => {
                // To the end of the text in quotation marks.
                while let Some(inner) = bytes.get(at) {
                    at += 1;
                    match inner {
                        b'"' => break,
                        b'\n' => line += 1,
                        b'\\' => {
                            line += usize::from(bytes.get(at) == Some(&b'\n'));
                            at += 1;
                        }
                        _ => {}
                    }
                }
            }
            b'/' if rest.starts_with(b"//") => {
                while bytes.get(at).is_some_and(|inner| *inner != b'\n') {
                    at += 1;
                }
            }
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b';' => operators = 0,
            b'.' | b'!' | b'+' | b'-' | b'*' => operators += 1,
            b'&' | b'|' if rest.get(1) == Some(byte) => {
                operators += 1;
                at += 1;
            }
            b'i' if rest.starts_with(b"if") && !in_word(at.checked_sub(2)) && !in_word(Some(at + 1)) => operators += 1,
            _ => {}
        }
        if depth > DEEPEST {
            let reason = format!("there are more than {DEEPEST} brackets within each other");
            return fault(line, reason, "write several policies instead of one");
        }
        if operators > MOST_OPERATORS {
            let reason = format!("a policy has more than {MOST_OPERATORS} operators up to here");
            return fault(
                line,
                reason,
                "write several policies instead of one, or a set: [..].contains(..)",
            );
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line_of(text: &str) -> Option<usize> {
        too_deep(Path::new("a.cedar"), text).map(|fault| fault.line)
    }

    #[test]
    fn what_is_deep_or_long_is_found_with_its_line() {
        let policy = |condition: &str| format!("permit (principal, action, resource)\nwhen {{ {condition} }};\n");
        let nested = |n: usize| policy(&format!("{}true{}", "(".repeat(n), ")".repeat(n)));
        assert_eq!((line_of(&nested(99)), line_of(&nested(100))), (None, Some(2)));
        for operator in [
            "&& true",
            "|| true",
            "+ 1",
            ".a",
            "- 1",
            "* 1",
            "if true then true else ",
        ] {
            assert_eq!(line_of(&policy(&operator.repeat(200))), None, "{operator}");
            assert_eq!(line_of(&policy(&operator.repeat(201))), Some(2), "{operator}");
            assert_eq!(line_of(&policy(&operator.repeat(150)).repeat(3)), None, "{operator}");
        }
    }

    #[test]
    fn texts_and_comments_do_not_count() {
        let brackets = "([{".repeat(100);
        assert_eq!(
            line_of(&format!("// {brackets} \" \n@a(\"{brackets} \\\" // {brackets}\")")),
            None
        );
        assert_eq!(line_of(&format!("// \"\n\n{brackets}")), Some(3));
        assert_eq!(line_of(&format!("\"//\"\n{brackets}")), Some(2));
    }

    proptest! {
        #[test]
        fn any_text_can_be_looked_at(text in "[\\PC\n\"\\\\/(]{0,80}") {
            let lines = text.matches('\n').count() + 1;
            prop_assert!(line_of(&text).is_none_or(|line| line <= lines));
        }
    }
}
