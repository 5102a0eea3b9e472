//! What files give: DAGs, versions, errors.

use super::bench::{bench, cron, dag, expected};
use crate::store::{Filter, Page, dags, files, versions};
use serde_json::json;

#[tokio::test]
async fn a_run_keeps_the_version_that_it_began_with() {
    bench(|b| async move {
        b.add("d", &[("a", &["b"], json!({})), ("b", &[], json!({}))], json!({})).await;
        // nobody uses the first version: it is replaced
        b.add("d", &[("a", &["c"], json!({})), ("c", &[], json!({}))], json!({})).await;
        assert_eq!(versions::of_dag(&b.s.db, "d").await.unwrap().len(), 1);
        b.trigger("d", "r").await;
        b.add("d", &[("a", &[], json!({}))], json!({"tags": ["new"]})).await;
        assert_eq!(versions::of_dag(&b.s.db, "d").await.unwrap().iter().map(|v| v.version_number).collect::<Vec<_>>(), [1, 2]);
        b.work(&[]).await;
        assert_eq!(b.states("d", "r").await, expected(&[("a", "success"), ("c", "success")]));
        b.clock.advance(1);
        b.trigger("d", "r2").await;
        b.work(&[]).await;
        assert_eq!(b.states("d", "r2").await, expected(&[("a", "success")]));
        let tags = dags::tags(&b.s.db, &["d".to_owned()]).await.unwrap();
        assert_eq!(tags, [("d".to_owned(), "new".to_owned())]);
        assert_eq!(versions::source(&b.s.db, "d", None).await.unwrap(), Some((2, Some("source of it".into()))));
    })
    .await;
}

#[tokio::test]
async fn a_broken_file_keeps_its_dags_and_shows_its_error() {
    bench(|b| async move {
        b.add("d", &[("a", &[], json!({}))], json!({"timetable": cron("* * * * *")})).await;
        b.s.take_in("d.py", json!({}), json!({"d.py": "Traceback: no"})).await;
        let row = b.s.dag_row("d").await.unwrap();
        assert!(row.has_import_errors && !row.is_stale);
        let (errors, total) = files::errors(&b.s.db, Filter::default(), &Page::all("filename")).await.unwrap();
        assert_eq!((total, errors[0].filename.as_str(), errors[0].stack_trace.as_str()), (1, "d.py", "Traceback: no"));
        b.advance(120_000).await;
        assert!(b.claim("w1", 1).await.is_empty(), "no runs of a DAG that cannot be imported");
        b.add("d", &[("a", &[], json!({}))], json!({"timetable": cron("* * * * *")})).await;
        assert!(!b.s.dag_row("d").await.unwrap().has_import_errors);
        assert_eq!(files::errors(&b.s.db, Filter::default(), &Page::all("filename")).await.unwrap().1, 0);
        b.settle().await;
        assert_eq!(b.claim("w1", 1).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_dag_goes_with_its_file_and_comes_back_with_it() {
    bench(|b| async move {
        let both = json!({"one": dag("one", &[("a", &[], json!({}))], json!({})), "two": dag("two", &[("a", &[], json!({}))], json!({}))});
        b.s.take_in("f.py", both, json!({})).await;
        b.s.take_in("f.py", json!({"one": dag("one", &[("a", &[], json!({}))], json!({}))}), json!({})).await;
        assert!(!b.s.dag_row("one").await.unwrap().is_stale && b.s.dag_row("two").await.unwrap().is_stale);
        b.s.lose_file("f.py").await;
        assert!(b.s.dag_row("one").await.unwrap().is_stale);
        assert!(b.s.trigger("one", Default::default()).await.is_err());
        b.s.take_in("f.py", json!({"one": dag("one", &[("a", &[], json!({}))], json!({}))}), json!({})).await;
        b.trigger("one", "r").await;
        assert_eq!(b.run_state("one", "r").await, "running");
    })
    .await;
}

#[tokio::test]
async fn a_dag_that_is_not_understood_is_an_error_of_its_file() {
    bench(|b| async move {
        let bad = dag("d", &[("a", &[], json!({"trigger_rule": "sometimes"}))], json!({}));
        b.s.take_in("f.py", json!({"d": bad, "fine": dag("fine", &[], json!({}))}), json!({})).await;
        let (errors, _) = files::errors(&b.s.db, Filter::default(), &Page::all("filename")).await.unwrap();
        assert!(errors[0].stack_trace.contains("sometimes"), "{}", errors[0].stack_trace);
        assert!(b.s.dag_row("fine").await.is_ok());
    })
    .await;
}
