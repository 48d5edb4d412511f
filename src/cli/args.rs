//! The command line as clap sees it (CONTRACT 3). clap's types never leave `cli`.

mod subverbs;

pub(super) use subverbs::{LedgerVerb, PlaybookVerb, RequestVerb, SessionsVerb};

use crate::core::duration::Seconds;
use crate::core::id::GrantId;
use crate::core::review::Verdict;
use clap::{ArgAction, Command, CommandFactory, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use std::ffi::OsString;
use std::path::PathBuf;

/// Break-glass access: opened under signature, closed by itself, proved afterwards.
#[derive(Debug, Parser)]
#[command(
    name = "glass",
    bin_name = "glass",
    version,
    propagate_version = true,
    disable_help_subcommand = true
)]
pub(super) struct Args {
    /// The home to work in, instead of the host's or your own
    #[arg(long, global = true, value_name = "DIR")]
    pub(super) home: Option<PathBuf>,
    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub(super) color: Color,
    /// Say more
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(super) verbose: u8,
    /// Say nothing but errors
    #[arg(short, long, global = true)]
    pub(super) quiet: bool,
    /// How data is written
    #[arg(long, global = true, value_enum)]
    pub(super) format: Option<Format>,
    #[command(subcommand)]
    pub(super) verb: Verb,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// How data is written; each verb takes some of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Table,
    /// For programs
    Json,
    /// A page
    Html,
    /// Markdown
    Md,
    /// Comma-separated values
    Csv,
}

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Make a home: ledger, key, first person, sample playbook
    Init {
        /// The first person, who is admin and on call
        #[arg(long, value_name = "NAME")]
        person: String,
        /// That person's public key
        #[arg(long, value_name = "FILE.pub")]
        key: PathBuf,
        /// Every admin key is lost: name a new admin in the ledger that there is; never forgotten
        #[arg(long)]
        recover: bool,
    },
    /// Show what changed in settings and playbooks, and sign it
    Register {
        /// Mend one scope of one playbook for one activation: two people of the scope sign, no admin
        #[arg(long)]
        hotfix: bool,
        /// The key that signs
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
    },
    /// Look at playbooks
    Playbook {
        #[command(subcommand)]
        verb: PlaybookVerb,
    },
    /// Open a scope, for a limited time, under your signature
    Activate {
        /// `playbook/scope`, or the scope's name where it is unique
        scope: String,
        /// The incident; `pending` if there is none yet
        #[arg(long)]
        incident: Option<String>,
        /// Why
        #[arg(long)]
        reason: Option<String>,
        /// How long, like `30m`; the scope's default otherwise
        #[arg(long = "for", value_name = "DURATION")]
        length: Option<Seconds>,
        /// A rehearsal: it opens and closes as ever, and every record says that it is one
        #[arg(long)]
        drill: bool,
        /// In spite of an overdue review: a second person signs for it, or you wait and go alone
        #[arg(long)]
        r#override: bool,
        /// Go on with a request of yours that waits
        #[arg(
            long,
            value_name = "GRANT",
            conflicts_with_all = ["incident", "reason", "length", "drill", "override", "receipt"]
        )]
        resume: Option<GrantId>,
        /// The key that signs: a key file (of a security key too), or a `.pub` whose key the agent holds
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
        /// Write a receipt: your own proof of this request
        #[arg(long, value_name = "FILE")]
        receipt: Option<PathBuf>,
    },
    /// Sign what another person asked for or began
    Approve {
        /// What waits: `g-…` or `p-…`, as `glass status` lists it
        #[arg(value_name = "GRANT")]
        id: String,
        /// The key that signs: a private key file, or a `.pub` whose key the agent holds
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
        /// A signature that was made elsewhere: it is the consent, and nothing is asked
        #[arg(long, value_name = "FILE", conflicts_with = "key")]
        signature: Option<PathBuf>,
    },
    /// Say no to what another person asked for
    Deny {
        /// The request
        grant: GrantId,
        /// The key that signs: a private key file, or a `.pub` whose key the agent holds
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
    },
    /// Take your own request back
    Withdraw {
        /// The request
        grant: GrantId,
        /// The key that signs: a private key file, or a `.pub` whose key the agent holds
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
    },
    /// Look at what waits for signatures, or take it to another machine
    Request {
        #[command(subcommand)]
        verb: RequestVerb,
    },
    /// Tell of an emergency that was done outside glass; another person signs it too
    Record {
        /// `playbook/scope`, or the scope's name where it is unique
        scope: String,
        /// When it began, like 2026-01-05T03:10:00Z
        #[arg(long, value_name = "TIME")]
        from: String,
        /// When it had ended
        #[arg(long, value_name = "TIME")]
        to: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// The key that signs: a private key file, or a `.pub` whose key the agent holds
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
    },
    /// What is open, and what is owed
    Status {
        /// Only this grant
        grant: Option<GrantId>,
        /// History too
        #[arg(long, conflicts_with = "grant")]
        all: bool,
        /// Show it anew each second, until Ctrl-C
        #[arg(long, conflicts_with = "check")]
        watch: bool,
        /// Exit with 7 if something is open or owed that should not be
        #[arg(long)]
        check: bool,
    },
    /// Judge what was opened: the queue, or one grant
    Review {
        /// The grant; everything that owes its review, one after the other, otherwise
        grant: Option<GrantId>,
        /// Only list what owes its review
        #[arg(long, conflicts_with_all = ["grant", "verdict", "note", "incident", "key"])]
        list: bool,
        /// What you find: justified, unjustified, misuse or drill
        #[arg(long, value_name = "VERDICT", requires = "grant")]
        verdict: Option<Verdict>,
        /// What the verdict rests on
        #[arg(long, value_name = "TEXT", requires = "grant")]
        note: Option<String>,
        /// The incident, where the request said `pending`
        #[arg(long, requires = "grant")]
        incident: Option<String>,
        /// The key that signs: a private key file, or a `.pub` whose key the agent holds
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
    },
    /// Run a command with a grant's outputs in its environment; recorded
    Exec {
        /// The grant
        grant: GrantId,
        /// What to run, after `--`
        #[arg(last = true, required = true, num_args = 1.., value_name = "CMD")]
        command: Vec<OsString>,
    },
    /// Work in a shell with a grant's outputs in its environment; recorded
    Shell {
        /// The grant
        grant: GrantId,
    },
    /// Let a grant of yours end later, within its scope's maximum
    Extend {
        /// The grant
        grant: GrantId,
        /// By how long, like `30m`
        #[arg(long = "for", value_name = "DURATION")]
        length: Seconds,
        /// The key that signs: a key file (of a security key too), or a `.pub` whose key the agent holds
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
    },
    /// End a grant now
    Revoke {
        /// The grant
        #[arg(required_unless_present = "all")]
        grant: Option<GrantId>,
        /// Everything that is open
        #[arg(long, conflicts_with = "grant")]
        all: bool,
        /// The key that signs, where it is not yours: a key file, or a `.pub` whose key the agent holds
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
    },
    /// Sign, as one of two people, that a grant was closed by hand
    Attest {
        /// The grant
        grant: GrantId,
        /// The key that signs: a key file (of a security key too), or a `.pub` whose key the agent holds
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
    },
    /// Close what is due and retry what is not proved closed: cron's verb
    Expire {
        /// Only say what is due
        #[arg(long)]
        dry_run: bool,
    },
    /// How grants were used through glass
    Sessions {
        #[command(subcommand)]
        verb: SessionsVerb,
    },
    /// The record
    Ledger {
        #[command(subcommand)]
        verb: LedgerVerb,
    },
    /// What a host needs around glass
    Doctor {
        /// Print it for this host, to be put where it says
        #[arg(long, value_enum, value_name = "PART")]
        print: Option<HostPart>,
    },
    /// Print what makes a shell complete glass's words
    Completions {
        /// The shell
        #[arg(required_unless_present = "all")]
        shell: Option<Shell>,
        /// Write those of every shell into this directory instead
        #[arg(long, value_name = "DIR", conflicts_with = "shell")]
        all: Option<PathBuf>,
    },
    /// Print the man page of glass, or write those of all verbs
    Man {
        /// The directory to write them to
        directory: Option<PathBuf>,
    },
    /// See the whole life of a grant, in a throw-away home
    Demo {
        /// Keep home and repository in this new directory, to play with
        #[arg(long, value_name = "DIR")]
        keep: Option<PathBuf>,
    },
    /// A grant's watchdog
    #[command(name = "__watchdog", hide = true)]
    Watchdog { config: PathBuf, state: PathBuf, grant: GrantId },
    /// The scopes, grants or sessions that the last of these words may become
    #[command(name = "__complete", hide = true)]
    Complete {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<OsString>,
    },
}

/// What `doctor --print` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum HostPart {
    /// A file for /etc/cron.d
    Cron,
    /// A service and a timer for /etc/systemd/system
    Systemd,
    /// A file for /etc/sudoers.d
    Sudoers,
}

impl Args {
    /// The command line without its hidden verbs: what completions and man pages are made of.
    /// `clap_complete` takes no notice of `hide`, and a verb can't be taken out of a [`Command`].
    pub(super) fn visible() -> Command {
        let whole = Self::command();
        let verbs = whole.get_subcommands().filter(|verb| !verb.is_hide_set()).cloned();
        Command::new("glass")
            .about(whole.get_about().cloned().unwrap_or_default())
            .version(env!("CARGO_PKG_VERSION"))
            .propagate_version(true)
            .disable_help_subcommand(true)
            .args(whole.get_arguments().cloned())
            .subcommands(verbs)
    }
}

impl Verb {
    /// The formats that a verb takes, its default first.
    pub(super) const fn formats(&self) -> &'static [Format] {
        match self {
            Self::Status { .. }
            | Self::Review { .. }
            | Self::Sessions { verb: SessionsVerb::List { .. } }
            | Self::Ledger { verb: LedgerVerb::Log { .. } | LedgerVerb::Verify { .. } }
            | Self::Playbook { verb: PlaybookVerb::List | PlaybookVerb::Lint { .. } } => {
                &[Format::Table, Format::Json]
            }
            _ => &[Format::Table],
        }
    }
}
