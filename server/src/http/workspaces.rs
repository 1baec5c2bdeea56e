//! The workspaces of a server: the first, which is always there, and others beside it.
//!
//! Each has its own data sources, pipes, tokens and jobs, in databases and under keys of its own. A
//! request belongs to the workspace that knows its token.
//!
//! Invariant: a workspace is listed in the first one's store as long as anything of it is kept.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock, Weak};

use parking_lot::{Mutex, RwLock};

use super::app::App;
use crate::project::{Project, ProjectError, Result, Workspace, check_name};
use crate::store::is_of_workspace;

/// Names that would mean something else in SQL.
const RESERVED: [&str; 3] = ["system", "information_schema", "main"];

/// What names of workspaces begin with in which a build is tried; nobody sees them.
pub(super) const SCRATCH: &str = "build_check_";

/// All workspaces.
#[derive(Default)]
pub(super) struct Workspaces {
    main: OnceLock<Weak<App>>,
    others: RwLock<BTreeMap<String, Arc<App>>>,
    changing: Mutex<()>,
}

impl Workspaces {
    /// Says which the first one is.
    pub(super) fn know(&self, main: &Arc<App>) {
        // It is never another.
        let _ = self.main.set(Arc::downgrade(main));
    }

    /// Says which the first one is, and starts what works for all of them.
    pub(super) fn begin(&self, main: &Arc<App>) -> std::io::Result<()> {
        self.know(main);
        main.start()?;
        self.others.read().values().try_for_each(|app| app.start())
    }

    /// Adds one that is stored.
    pub(super) fn add(&self, app: Arc<App>) {
        let id = app.project.workspace().id.clone();
        self.others.write().insert(id, app);
    }

    /// The first one.
    pub(super) fn main(&self) -> Option<Arc<App>> {
        self.main.get().and_then(Weak::upgrade)
    }

    /// All of them, the first one first.
    pub(super) fn all(&self) -> Vec<Arc<App>> {
        let others = self.others.read();
        self.main()
            .into_iter()
            .chain(others.values().cloned())
            .collect()
    }

    /// The one of that id or name.
    pub(super) fn find(&self, key: &str) -> Option<Arc<App>> {
        let is = |app: &Arc<App>| {
            let workspace = app.project.workspace();
            workspace.id == key || workspace.name == key
        };
        self.all().into_iter().find(is)
    }

    /// The one that knows a token, if another than the first does.
    pub(super) fn other_of_token(&self, text: &str) -> Option<Arc<App>> {
        let others = self.others.read();
        others
            .values()
            .find(|a| a.project.knows_token(text))
            .cloned()
    }

    /// Makes one and starts it.
    pub(super) fn create(&self, workspace: Workspace) -> Result<Arc<App>> {
        let _alone = self.changing.lock();
        let name = &workspace.name;
        check_name(name, "workspace")?;
        if RESERVED.contains(&name.to_ascii_lowercase().as_str()) || is_of_workspace(name) {
            return Err(ProjectError::Bad(format!(
                "The name '{name}' cannot be used for a workspace"
            )));
        }
        if self.find(name).is_some() {
            return Err(ProjectError::Conflict(format!(
                "There is already a workspace with name '{name}'"
            )));
        }
        let main = self.main().ok_or_else(closing)?;
        let (root, id) = (main.store(), workspace.id.clone());
        root.save("space", &id, Some(&id))?;
        let store = root.of_workspace(&id);
        let app = Project::create(store, workspace).map(|p| Arc::new(main.beside(p)));
        let app = match app {
            Ok(app) => app,
            Err(e) => {
                root.of_workspace(&id).remove()?;
                root.save::<String>("space", &id, None)?;
                return Err(e);
            }
        };
        app.start().map_err(|e| ProjectError::Bad(e.to_string()))?;
        self.add(Arc::clone(&app));
        Ok(app)
    }

    /// Removes one and everything in it; the first one stays.
    pub(super) fn remove(&self, id: &str) -> Result<()> {
        let _alone = self.changing.lock();
        let main = self.main().ok_or_else(closing)?;
        if main.project.workspace().id == id {
            return Err(ProjectError::Bad(
                "The server's first workspace cannot be deleted".to_owned(),
            ));
        }
        for branch in self.branches_of(id) {
            self.take_away(&branch)?;
        }
        let gone = self.others.write().remove(id);
        let gone = gone
            .ok_or_else(|| ProjectError::NotFound(format!("Workspace \"{id}\" does not exist")))?;
        gone.close();
        for app in self.all() {
            app.project.forget_workspace(id)?;
        }
        gone.store().remove()?;
        Ok(main.store().save::<String>("space", id, None)?)
    }

    /// The branches of a workspace, oldest first.
    pub(super) fn branches_of(&self, id: &str) -> Vec<Arc<App>> {
        let is_its = |app: &Arc<App>| app.project.workspace().main.as_deref() == Some(id);
        let mut all: Vec<Arc<App>> = self.all().into_iter().filter(is_its).collect();
        all.sort_by_key(|app| app.project.workspace().created_at.clone());
        all
    }

    /// Makes a branch of a workspace and starts it.
    pub(super) fn create_branch(&self, of: &App, name: &str) -> Result<Arc<App>> {
        let _alone = self.changing.lock();
        if RESERVED.contains(&name.to_ascii_lowercase().as_str()) || is_of_workspace(name) {
            let why = format!("The name '{name}' cannot be used for a branch");
            return Err(ProjectError::Bad(why));
        }
        if self.find(name).is_some() {
            let why = format!("There is already a workspace or branch with name '{name}'");
            return Err(ProjectError::Conflict(why));
        }
        let app = Arc::new(of.beside(of.project.create_branch(name)?));
        app.start().map_err(|e| ProjectError::Bad(e.to_string()))?;
        self.add(Arc::clone(&app));
        Ok(app)
    }

    /// Drops a branch with everything in it.
    pub(super) fn remove_branch(&self, branch: &App) -> Result<()> {
        let _alone = self.changing.lock();
        self.take_away(branch)
    }

    fn take_away(&self, branch: &App) -> Result<()> {
        let workspace = branch.project.workspace();
        let Some(gone) = self.others.write().remove(&workspace.id) else {
            let why = format!("Branch \"{}\" does not exist", workspace.name);
            return Err(ProjectError::NotFound(why));
        };
        gone.close();
        Ok(gone.store().remove()?)
    }

    /// Ends them all, the first one last.
    pub(super) fn close(&self) {
        let others = std::mem::take(&mut *self.others.write());
        for app in others.values() {
            app.close();
        }
        if let Some(main) = self.main() {
            main.close();
        }
    }
}

fn closing() -> ProjectError {
    ProjectError::Bad("the server is stopping".to_owned())
}
