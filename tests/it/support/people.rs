//! People who answer in the same process, and the ways to reach them.

use std::pin::Pin;
use std::sync::Mutex;

use skyswitch_mcp::guard::{Answer, AskPerson, Channel, Preview};

/// A person who always gives the same answer, and keeps what was shown.
pub struct Person<'a> {
    answer: Answer,
    meanwhile: Box<dyn Fn() + Send + Sync + 'a>,
    shown: Mutex<Vec<Preview>>,
}

impl<'a> Person<'a> {
    /// Types this text.
    pub fn typing(text: &str) -> Person<'a> {
        Person::answering(Answer::Typed(text.to_owned()))
    }

    /// Gives this answer.
    pub fn answering(answer: Answer) -> Person<'a> {
        Person {
            answer,
            meanwhile: Box::new(|| ()),
            shown: Mutex::default(),
        }
    }

    /// Something that happens elsewhere while the person thinks.
    pub fn while_thinking(mut self, event: impl Fn() + Send + Sync + 'a) -> Person<'a> {
        self.meanwhile = Box::new(event);
        self
    }

    /// The previews shown so far.
    pub fn shown(&self) -> Vec<Preview> {
        self.shown.lock().unwrap().clone()
    }
}

impl AskPerson for Person<'_> {
    fn ask<'a>(
        &'a self,
        preview: &'a Preview,
    ) -> Pin<Box<dyn Future<Output = Answer> + Send + 'a>> {
        self.shown.lock().unwrap().push(preview.clone());
        (self.meanwhile)();
        Box::pin(std::future::ready(self.answer.clone()))
    }
}

/// A client without forms that sends no confirmation.
pub fn nobody() -> Channel<'static> {
    Channel::Elsewhere {
        confirmation: None,
        form_failed: false,
        links: None,
    }
}

/// A client without forms that sends a token.
pub fn token(confirmation: &str) -> Channel<'_> {
    Channel::Elsewhere {
        confirmation: Some(confirmation),
        form_failed: false,
        links: None,
    }
}

/// The first call of a client that brings answers with a second one.
pub fn first_call() -> Channel<'static> {
    Channel::Between {
        state: None,
        answer: None,
    }
}

/// The second call of such a client.
pub fn second_call<'a>(state: &'a str, typed: &str) -> Channel<'a> {
    Channel::Between {
        state: Some(state),
        answer: Some(Answer::Typed(typed.to_owned())),
    }
}
