/** Asks the endpoint from the page, beginning with the example that was logged with the model. */
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { send } from "../../api/http";
import { loggedModelOf, versionQuery } from "../../api/registry";
import { invocationsPath, invoke, type Endpoint } from "../../api/serving";
import { modelFileUrl } from "../../api/tracking";
import { t } from "../../i18n";
import { duration } from "../../i18n/format";
import { invokeSnippet, TOKEN } from "../../snippets";
import { Button, Field, Snippet } from "../../ui/controls";
import { ErrorBox } from "../../ui/loaded";
import { Section } from "../../ui/page";
import { compactJson, entitiesOf, oneLine, TEMPLATE } from "./endpoint";

/** `serving_input_example.json` of the version that is served, when it was logged with an input example. */
function useExample(endpoint: Endpoint): { text: string | undefined; looking: boolean } {
  const entity = entitiesOf(endpoint)[0];
  const [name, number] = [entity?.entity_name ?? "", entity?.entity_version ?? ""];
  const version = useQuery({ ...versionQuery(name, number), enabled: number !== "" });
  const model = loggedModelOf(version.data);
  const url = modelFileUrl(model, "serving_input_example.json");
  const example = useQuery({
    queryKey: ["model-file", url],
    queryFn: async ({ signal }) => compactJson(JSON.parse(await (await send(url, { signal })).text())),
    enabled: model !== "",
  });
  return { text: example.data, looking: version.isLoading || example.isLoading };
}

export function TryIt({ endpoint }: { endpoint: Endpoint }) {
  const example = useExample(endpoint);
  const [typed, setTyped] = useState<string | null>(null);
  const text = typed ?? example.text ?? (example.looking ? "" : TEMPLATE);
  const call = useMutation({
    mutationFn: async () => {
      const body: unknown = JSON.parse(text);
      const from = performance.now();
      const answer = await invoke(endpoint.name, body);
      return { answer, took: performance.now() - from };
    },
  });
  const ready = endpoint.state?.ready === "READY";
  return (
    <>
      <Section title={t("try.title")}>
        <div className="columns">
          <div className="stack">
            <Field label={t("try.request")} hint={example.text !== undefined ? t("try.fromExample") : t("try.noExample")}>
              {(attributes) => <textarea {...attributes} className="input" rows={12} spellCheck={false} value={text} onChange={(event) => setTyped(event.target.value)} />}
            </Field>
            <div className="row">
              <Button variant="primary" icon="play" disabled={call.isPending || text === ""} unusable={ready ? undefined : t("try.notReady")} onClick={() => call.mutate()}>{t("try.send")}</Button>
              {typed !== null && <Button onClick={() => setTyped(null)}>{t("try.reset")}</Button>}
            </div>
          </div>
          <div className="stack" aria-live="polite">
            {call.error && <ErrorBox what={t("try.failed")} error={call.error} />}
            {call.data && (
              <>
                <p className="small muted">{t("try.answer")} · <span className="num">{duration(call.data.took)}</span></p>
                <pre className="panel padded answer" tabIndex={0} role="region" aria-label={t("try.answer")}>{compactJson(call.data.answer)}</pre>
          
    </>
          )}
        </div>
      </div>
    </Section>
    <Section title={t("endpoints.call")}>
      <Snippet label="curl" code={invokeSnippet(invocationsPath(endpoint.name), TOKEN, oneLine(text))} />
    </Section>
    </>
  );
}
