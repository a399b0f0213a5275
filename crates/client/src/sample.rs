//! One answer of each kind that the product relies on, told by its skeleton:
//! what can be learned of the service on the first day, by reading alone.

use serde::Serialize;

use super::call::Call;
use super::http::{Answer, Failure};
use super::retry::Budget;
use super::skeleton::{self, Skeleton};
use super::upstream::Upstream;
use super::{Client, Pbx, domains, numbers, routes, subscribers};
use skyswitch_domain::error::{Code, Result};
use skyswitch_domain::{AccountId, Extension, PbxDomain};

/// What came of one request.
#[derive(Debug, Clone, Serialize)]
pub struct Sampled {
    /// What was read.
    pub what: &'static str,
    /// What was answered.
    #[serde(flatten)]
    pub outcome: SampleOutcome,
}

/// What a request of a sample was answered.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum SampleOutcome {
    /// A success, told by its skeleton.
    Answered(Skeleton),
    /// A refusal, or no answer at all.
    Refused {
        /// What was asked, without the values of its parameters.
        asked: String,
        /// HTTP status, where there was an answer.
        status: Option<u16>,
        /// What kind of failure this is.
        error: Code,
    },
    /// It was not asked for.
    NotAsked {
        /// Why not.
        not_asked: &'static str,
    },
}

/// Reads once each, with at most one new login.
struct Reader<'a> {
    upstream: &'a Upstream,
    renewed: bool,
}

impl<'a> Reader<'a> {
    fn of(upstream: &'a Upstream) -> Reader<'a> {
        Reader {
            upstream,
            renewed: false,
        }
    }

    async fn read(&mut self, call: &Call) -> Result<Answer> {
        let token = self.upstream.token(false).await?;
        let budget = Budget::default();
        let outcome = self.upstream.attempt(call, &token, &budget, None).await;
        // A token that another process left may be one that is good no more.
        let is_refused = matches!(outcome, Err(Failure::Answered { status: 401, .. }));
        if !is_refused || std::mem::replace(&mut self.renewed, true) {
            return outcome.map_err(Failure::into_error);
        }
        let token = self.upstream.renewed(&token).await?;
        let again = self.upstream.attempt(call, &token, &budget, None).await;
        again.map_err(Failure::into_error)
    }
}

/// The samples so far.
#[derive(Default)]
struct Samples(Vec<Sampled>);

impl Samples {
    async fn read(
        &mut self,
        what: &'static str,
        reader: &mut Reader<'_>,
        call: Call,
    ) -> Option<Answer> {
        let answer = reader.read(&call).await;
        let outcome = match &answer {
            Ok(answer) => SampleOutcome::Answered(Skeleton::of(answer)),
            Err(error) => SampleOutcome::Refused {
                asked: skeleton::asked(&call),
                status: error.detail().status,
                error: error.code(),
            },
        };
        self.0.push(Sampled { what, outcome });
        answer.ok()
    }

    fn not_asked(&mut self, what: &'static str, not_asked: &'static str) {
        let outcome = SampleOutcome::NotAsked { not_asked };
        self.0.push(Sampled { what, outcome });
    }
}

impl Client {
    /// Reads one answer of everything that the product relies on, of the domain
    /// that is named, or else of the first with VIP rules, or else of the first:
    /// at most 17 requests and the logins. A read that fails is part of the
    /// result; none is repeated, and nothing is changed.
    pub async fn samples(&self, account: &AccountId, domain: Option<&PbxDomain>) -> Vec<Sampled> {
        let mut samples = Samples::default();
        let mut telco = Reader::of(&self.inner.telco);
        let token = Call::get(["oauth", "token"]);
        samples.read("the token", &mut telco, token).await;
        let call = domains::list_call(account);
        let customers = samples.read("the customers", &mut telco, call).await;
        let call = routes::list_call(account);
        let rules = samples.read("the VIP rules of the account", &mut telco, call);
        let rules = rules.await;
        let domain = match domain {
            Some(domain) => Some(domain.clone()),
            None => first_with_rules(customers.as_ref(), rules.as_ref()),
        };
        match domain {
            Some(domain) => self.sample_of(account, &domain, telco, &mut samples).await,
            None => samples.not_asked("everything else", "no customer is shown to ask about"),
        }
        samples.0
    }

    async fn sample_of(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
        mut telco: Reader<'_>,
        samples: &mut Samples,
    ) {
        let call = routes::list_call(account).with("domain", domain.as_str());
        let what = "the VIP rules of a customer";
        samples.read(what, &mut telco, call).await;
        let call = subscribers::list_call(account, domain);
        let what = "the users of a customer, without a filter";
        samples.read(what, &mut telco, call.clone()).await;
        let what = "the users of a customer";
        let users = samples.read(what, &mut telco, call.with("filter", "all"));
        let ani_user = users.await.as_ref().and_then(subscribers::ani_user_in);
        let call = numbers::domain_call(account, domain);
        let what = "the numbers of a customer";
        let found = samples.read(what, &mut telco, call.clone()).await;
        let what = "the numbers that go to the Route by ANI user";
        match &ani_user {
            Some(user) => {
                let call = call.with("user", user.as_str());
                samples.read(what, &mut telco, call).await;
            }
            None => samples.not_asked(what, NO_ANI_USER),
        }
        let mut telco = Reader::of(&self.inner.numbers);
        let call = numbers::account_call(account);
        let what = "the numbers of the account";
        let all = samples.read(what, &mut telco, call).await;
        let number = [found, all].iter().flatten().find_map(numbers::first_in);
        let route = number.and_then(|did| numbers::route_path(account, &did).ok());
        let what = "the routing of a number";
        match route {
            Some(path) => drop(samples.read(what, &mut telco, Call::get(path)).await),
            None => samples.not_asked(what, "no number is shown to ask about"),
        }
        match self.pbx() {
            Ok(pbx) => pbx.sample(domain, ani_user.as_ref(), samples).await,
            Err(_) => samples.not_asked("the PBX API", "it is not configured, or not usably"),
        }
    }
}

const NO_ANI_USER: &str = "no Route by ANI user is shown";

impl Pbx {
    async fn sample(
        &self,
        domain: &PbxDomain,
        ani_user: Option<&Extension>,
        samples: &mut Samples,
    ) {
        let mut reader = Reader::of(self.upstream());
        for (what, call) in self.calls_about(domain) {
            samples.read(what, &mut reader, call).await;
        }
        let call = self.plan_call(domain, domain.as_str());
        let what = "the rules of the customer's dial plan";
        samples.read(what, &mut reader, call).await;
        let Some(user) = ani_user else {
            return samples.not_asked("the Route by ANI user in the PBX API", NO_ANI_USER);
        };
        let call = self.user_call(domain, user);
        let what = "the Route by ANI user";
        let record = samples.read(what, &mut reader, call).await;
        for (what, call) in self.calls_about_user(domain, user) {
            samples.read(what, &mut reader, call).await;
        }
        let own = record.as_ref().and_then(Pbx::dial_plan_in);
        let own = own.unwrap_or_else(|| format!("{domain}_{user}"));
        let what = "the rules of the Route by ANI user's own dial plan";
        match domain.is(&own) {
            true => samples.not_asked(what, "the user has the customer's dial plan"),
            false => {
                let call = self.plan_call(domain, &own);
                samples.read(what, &mut reader, call).await;
            }
        }
    }
}

/// The first domain of the account that has a rule, or else the first.
fn first_with_rules(customers: Option<&Answer>, rules: Option<&Answer>) -> Option<PbxDomain> {
    let all = domains::names_in(customers?);
    let with_rules = rules.map(routes::domains_in).unwrap_or_default();
    let has_rule = |domain: &&PbxDomain| with_rules.iter().any(|name| domain.is_written_as(name));
    all.iter().find(has_rule).or(all.first()).cloned()
}
