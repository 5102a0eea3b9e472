import { useQuery } from "@tanstack/react-query";
import { userQuery } from "../../api/hub";
import { meQuery } from "../../api/me";
import { environmentsQuery } from "../../api/serving";
import { t } from "../../i18n";
import { Loaded } from "../../ui/loaded";
import { Page, Section } from "../../ui/page";
import { State } from "../../ui/status";
import { Everybody } from "./Everybody";
import { NamedServers } from "./NamedServers";
import { ServerCard } from "./ServerCard";

export function NotebooksPage() {
  const { data: me } = useQuery(meQuery);
  const name = me?.name ?? "";
  const user = useQuery({ ...userQuery(name), enabled: name !== "" });
  return (
    <Page title={t("nav.notebooks")} narrow>
      <Loaded query={user} what={t("error.server")} rows={3}>
        {(found) => (
          <>
            <Section title={t("notebooks.mine")}>
              <div className="panel"><ServerCard user={found} name="" label={t("notebooks.mine")} about={t("notebooks.about")} /></div>
            </Section>
            <NamedServers user={found} />
          </>
        )}
      </Loaded>
      <Environments />
      {me?.admin && <Everybody me={me} />}
    </Page>
  );
}

/** Python environments under construction: what a first start waits for. */
function Environments() {
  const { data } = useQuery(environmentsQuery);
  const building = (data ?? []).filter((environment) => environment.state !== "ready");
  if (building.length === 0) return null;
  return (
    <Section title={t("environments.title")} count={building.length}>
      <ul className="panel">
        {building.map((environment) => (
          <li key={environment.name} className="padded row wrap" style={{ padding: "8px 12px" }}>
            <State state={environment.state} /><b className="mono">{environment.name}</b>
            <span className="small muted wrap-anywhere">{environment.message}</span>
          </li>
        ))}
      </ul>
    </Section>
  );
}
