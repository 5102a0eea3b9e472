//! Which parts a name may have, in the bits of a number. Who looks for a part compares numbers first: nearly every name
//! that has not got it is passed over without being read.

/// Bits that are used: the sign stays free.
const BITS: u32 = 63;

/// One bit for each three bytes that follow one another, whatever their case.
pub(crate) fn of_name(name: &str) -> i64 {
    let bytes: Vec<u8> = lower(name).bytes().collect();
    bytes.windows(3).map(bit).fold(0, |bits, bit| bits | bit)
}

/// The bits of every name that a pattern of `LIKE` or `ILIKE` fits; 0 where it says too little.
pub(crate) fn of_pattern(pattern: &str) -> i64 {
    // a backslash stands for itself or for nothing: what is around it is taken apart
    pattern.split(['%', '_', '\\']).map(of_name).fold(0, |bits, part| bits | part)
}

/// Letter by letter: what is a part of a name stays one.
fn lower(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

fn bit(three: &[u8]) -> i64 {
    let number = three.iter().fold(0, |number, byte| number * 31 + u32::from(*byte));
    1 << (number % BITS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_name_has_the_bits_of_its_parts(before in "\\PC{0,12}", part in "\\PC{0,8}", after in "\\PC{0,12}") {
            let name = of_name(&format!("{before}{part}{after}"));
            for pattern in [part.clone(), format!("%{part}%"), format!("{before}%{part}_"), format!("%{}%", lower(&part))] {
                prop_assert_eq!(name & of_pattern(&pattern), of_pattern(&pattern), "{}", pattern);
            }
        }
    }

    #[test]
    fn other_names_are_told_apart() {
        let wanted = of_pattern("%y-fox-9999%");
        let passed = (0..1000).filter(|i| of_name(&format!("merry-bear-{i}")) & wanted == wanted).count();
        assert!(passed < 10, "{passed} of 1000");
        assert_eq!(of_pattern("%ab%_%cd%"), 0);
    }
}
