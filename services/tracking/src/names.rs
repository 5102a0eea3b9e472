//! Names for runs that come without one: adjective-noun-number, as upstream's users know them.

use artel_platform::clock::Ids;

/// Longest name that is made.
const MAX_LENGTH: usize = 20;

const ADJECTIVES: &str = "abundant able adorable adaptable adventurous aged agreeable ambitious amazing amusing auspicious awesome \
beautiful bemused big bittersweet blushing bold bouncy brawny bright burly bustling calm capable carefree caring casual charming \
chill classy clean clumsy colorful dapper debonair dashing defiant delicate delightful dazzling efficient enchanting entertaining \
enthused exultant fearless flawless fortunate fun funny gentle gifted glamorous grandiose gregarious handsome hilarious honorable \
illustrious industrious inquisitive intelligent intrigued invincible judicious kindly languid learned legendary likeable loud \
luminous lyrical magnificent marvelous masked melodic merciful monumental mysterious nebulous nimble orderly overjoyed painted \
peaceful persistent placid polite popular powerful puzzled rare receptive redolent resilient respected righteous rogue salty sassy \
secretive sedate selective serious silent sincere skillful smiling sneaky sophisticated spiffy stately stylish suave tasteful \
thoughtful thundering traveling treasured trusting unequaled unique unleashed upbeat useful valuable vaunted victorious welcoming \
whimsical wise wistful youthful zealous";

const NOUNS: &str = "ant ape asp auk bass bat bear bee bird boar bug calf carp cat chimp cod colt conch cow crab crane croc crow cub \
deer doe dog dolphin donkey dove duck eel elk fawn finch fish flea fly foal fowl fox frog gnat gnu goat goose grouse grub gull hare \
hawk hen hog horse hound jay kit kite koi lamb lark loon lynx mare midge mink mole moose moth mouse mule newt owl ox panda penguin \
perch pig pug quail ram rat ray robin roo rook seal shad shark sheep shoat shrew shrike shrimp skink skunk sloth slug smelt snail \
snake snipe sow sponge squid squirrel stag steed stoat stork swan tern toad trout turtle vole wasp whale wolf worm wren yak zebra";

/// A new name, e.g. `bold-wren-417`.
pub(crate) fn random(ids: &Ids) -> String {
    let mut bits = ids.uuid().as_u128();
    let mut draw = |choices: usize| {
        let drawn = (bits % choices as u128) as usize;
        bits /= choices as u128;
        drawn
    };
    let pick = |words: &'static str, n: usize| words.split_ascii_whitespace().nth(n).unwrap_or("run");
    let adjective = pick(ADJECTIVES, draw(ADJECTIVES.split_ascii_whitespace().count()));
    let noun = pick(NOUNS, draw(NOUNS.split_ascii_whitespace().count()));
    let number = draw(1001);
    let mut name = format!("{adjective}-{noun}-{number}");
    name.truncate(MAX_LENGTH);
    name
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_have_three_parts_and_differ() {
        let ids = artel_platform::clock::Ids::random();
        let names: Vec<String> = (0..50).map(|_| super::random(&ids)).collect();
        assert!(names.iter().all(|n| n.len() <= super::MAX_LENGTH && n.split('-').count() >= 2));
        assert!(names.iter().any(|n| n != &names[0]));
    }
}
