//! Finds the id of a message that is no JSON or too long to hold, so that its
//! sender learns which one it was.

use serde_json::Value;

/// An id longer than this is not looked for.
const LONGEST: usize = 200;

/// Looks for the member `id` of the outermost object, in pieces of any size.
#[derive(Default)]
pub(super) struct IdScan {
    depth: usize,
    /// The text it is in, as far as it is of interest.
    text: Option<Vec<u8>>,
    escaped: bool,
    /// The last name in the outermost object.
    name: Vec<u8>,
    /// What was read of the value that follows the name `id`.
    value: Option<Vec<u8>>,
    id: Value,
    /// Whether the message is over: what follows on its line is another one.
    is_over: bool,
}

impl IdScan {
    /// The id, or null where none was found.
    pub fn id(&self) -> Value {
        self.id.clone()
    }

    /// Reads on.
    pub fn feed(&mut self, piece: &[u8]) {
        for byte in piece {
            if self.is_over {
                return;
            }
            match &mut self.text {
                Some(_) => self.in_text(*byte),
                None => self.between_texts(*byte),
            }
        }
    }

    fn in_text(&mut self, byte: u8) {
        let ends = byte == b'"' && !self.escaped;
        self.escaped = byte == b'\\' && !self.escaped;
        let text = self.text.get_or_insert_default();
        if text.len() < LONGEST {
            text.push(byte);
        }
        if !ends {
            return;
        }
        let text = self.text.take().unwrap_or_default();
        match &mut self.value {
            Some(value) if self.depth == 1 => *value = text,
            None if self.depth == 1 => self.name = text,
            _ => {}
        }
    }

    fn between_texts(&mut self, byte: u8) {
        match byte {
            b'"' => self.text = Some(vec![byte]),
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.end_value();
                self.is_over = self.depth == 1;
                self.depth = self.depth.saturating_sub(1);
            }
            b',' => self.end_value(),
            b':' if self.depth == 1 && self.name == b"\"id\"" => self.value = Some(Vec::new()),
            _ => {
                let value = self.value.as_mut().filter(|value| value.len() < LONGEST);
                if let (1, Some(value)) = (self.depth, value) {
                    value.push(byte);
                }
            }
        }
    }

    fn end_value(&mut self) {
        if self.depth != 1 {
            return;
        }
        self.name.clear();
        let value = self.value.take().unwrap_or_default();
        let read = serde_json::from_slice::<Value>(&value);
        if let Some(id) = read.ok().filter(|id| id.is_string() || id.is_i64()) {
            self.id = id;
        }
    }
}
