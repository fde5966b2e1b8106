//! One database for one test.

use std::future::Future;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU32, Ordering};

use super::PrivatePostgres;
use super::psql::Psql;

/// A database; it is dropped with all who are connected to it when this is dropped.
#[derive(Debug)]
pub struct Database<'a> {
    postgres: &'a PrivatePostgres,
    name: String,
}

impl PrivatePostgres {
    /// A fresh, empty database.
    pub fn empty_database(&self) -> Database<'_> {
        let database = Database {
            postgres: self,
            name: unused_name(),
        };
        self.command(&format!("CREATE DATABASE {}", database.name));
        database
    }

    /// A fresh copy of a database that `fill` has filled, which must leave nobody connected to it. It is called for
    /// the first copy that a test binary asks for; the others are copied in a few hundredths of a second.
    pub async fn database<F: Future<Output = ()>>(&self, fill: impl FnOnce(String) -> F) -> Database<'_> {
        let template = template_of_this_binary();
        let database = Database {
            postgres: self,
            name: unused_name(),
        };
        if !self.copy(&template, &database.name) {
            self.make_template(&template, fill).await;
            assert!(
                self.copy(&template, &database.name),
                "{template} cannot be copied"
            );
        }
        database
    }

    fn copy(&self, template: &str, name: &str) -> bool {
        let copy = format!("CREATE DATABASE {name} TEMPLATE {template}");
        Psql::connect(&self.cluster, "postgres").run(&copy).is_ok()
    }

    /// Fills a template under another name first: a half-filled one, of a process that was killed, is never copied.
    async fn make_template<F: Future<Output = ()>>(&self, template: &str, fill: impl FnOnce(String) -> F) {
        let mut session = Psql::connect(&self.cluster, "postgres");
        let mut run = |sql: String| session.run(&sql).unwrap();
        run(format!("SELECT pg_advisory_lock(hashtext('{template}'))"));
        if run(format!("SELECT 1 FROM pg_database WHERE datname = '{template}'")) == "1" {
            return;
        }
        run(format!(
            "DROP DATABASE IF EXISTS {template}_unfinished WITH (FORCE)"
        ));
        run(format!("CREATE DATABASE {template}_unfinished"));
        fill(self.url(&format!("{template}_unfinished"))).await;
        run(format!(
            "ALTER DATABASE {template}_unfinished RENAME TO {template}"
        ));
    }
}

impl Database<'_> {
    /// Where to reach it.
    pub fn url(&self) -> String {
        self.postgres.url(&self.name)
    }

    /// Runs statements in it and answers their rows, values parted by `|`, for what a test does behind the product's
    /// back.
    pub fn command(&self, sql: &str) -> String {
        Psql::connect(&self.postgres.cluster, &self.name)
            .run(sql)
            .unwrap()
    }
}

impl Drop for Database<'_> {
    fn drop(&mut self) {
        // A server that was killed has nothing to drop.
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let _ = Psql::connect(&self.postgres.cluster, "postgres").run(&drop);
    }
}

fn unused_name() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    format!("test_{}_{number}", std::process::id())
}

/// What a template holds is decided by the code that fills it: another build has another template.
fn template_of_this_binary() -> String {
    let binary = std::env::current_exe().unwrap();
    let mut hasher = DefaultHasher::new();
    binary.hash(&mut hasher);
    binary.metadata().unwrap().modified().unwrap().hash(&mut hasher);
    format!("template_{:016x}", hasher.finish())
}
