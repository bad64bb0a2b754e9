//! Random numbers that are the same on every machine.

/// A xorshift generator, which is good enough to break things.
pub struct Random(u64);

/// Returns an unpredictable seed.
pub fn seed() -> u64 {
    let bytes = std::fs::read("/proc/sys/kernel/random/uuid").expect("Linux makes random ids");
    u64::from_str_radix(&String::from_utf8_lossy(&bytes[..8]), 16).expect("an id begins with digits").max(1)
}

impl Random {
    /// Creates a generator. The same seed gives the same numbers.
    pub fn new(seed: u64) -> Self {
        Random(seed)
    }

    /// Returns a number below this one.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end.max(1) as u64) as usize
    }

    /// Returns one of these.
    pub fn one<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }

    /// Changes a text at a random place.
    pub fn mutate(&mut self, text: &mut Vec<char>) {
        const PIECES: [&str; 24] = [
            "\"",
            "{",
            "}",
            "[",
            "]",
            "=",
            ",",
            "\n",
            "\\",
            "${",
            "<<E\n",
            "#",
            "/*",
            "-1",
            "99999999999999999999",
            "1e999",
            "null",
            "\"10.0.0.0/33\"",
            "ä",
            "\u{0}",
            "\u{1f418}",
            "\u{202e}",
            "cluster",
            "region = \"x\"\n",
        ];
        let at = self.below(text.len());
        let end = (at + self.below(40)).min(text.len());
        match self.below(4) {
            0 => drop(text.drain(at..end)),
            1 => drop(text.splice(at..at, PIECES[self.below(PIECES.len())].chars())),
            2 => drop(text.splice(at..(at + 1).min(text.len()), PIECES[self.below(PIECES.len())].chars())),
            _ => {
                let copy = text[at..end].to_vec();
                let to = self.below(text.len());
                drop(text.splice(to..to, copy));
            }
        }
    }
}
