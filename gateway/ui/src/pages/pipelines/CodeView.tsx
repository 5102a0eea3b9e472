import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { dagQuery, sourceQuery } from "../../api/scheduler";
import { t } from "../../i18n";
import { CopyButton } from "../../ui/controls";
import { Loaded } from "../../ui/loaded";
import { Ago } from "../../ui/time";

const route = getRouteApi("/app/p/$project/pipelines/$dag");

/** The DAG file as it was last read. */
export function CodeView() {
  const { dag } = route.useParams();
  const source = useQuery(sourceQuery(dag));
  const parsed = useQuery(dagQuery(dag)).data;
  return (
    <Loaded query={source} what={t("error.source")} rows={12}>
      {(text) => (
        <div className="panel">
          <div className="code-head"><code>{parsed?.relative_fileloc ?? parsed?.fileloc}</code><span className="small muted">{t("dags.parsed")} <Ago time={parsed?.last_parsed_time} /></span><CopyButton className="end" text={text} /></div>
          <pre className="code" tabIndex={0} role="region" aria-label={t("dags.code")}>
            {text.split("\n").map((line, index) => <span key={index}><i aria-hidden="true">{index + 1}</i>{line}{"\n"}</span>)}
          </pre>
        </div>
      )}
    </Loaded>
  );
}
