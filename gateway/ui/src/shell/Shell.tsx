import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useParams } from "@tanstack/react-router";
import { Suspense, useEffect, useState } from "react";
import { meQuery } from "../api/me";
import { t } from "../i18n";
import { startLive, useLive } from "../live/events";
import { part } from "../page";
import { Icon, type IconName } from "../ui/icons";
import { useProject } from "./project";
import "./shell.css";
import { useShortcuts } from "./shortcuts";

const Palette = part(() => import("./Palette"));
const UserMenu = part(() => import("./UserMenu"));
const Keys = part(() => import("./Keys"));

export function Shell() {
  const [overlay, setOverlay] = useState<"palette" | "keys" | null>(null);
  useEffect(() => startLive(), []);
  useShortcuts({ onPalette: () => setOverlay("palette"), onHelp: () => setOverlay("keys") });
  return (
    <div className="shell">
      <a className="button skip" href="#main">{t("nav.skip")}</a>
      <Header onFind={() => setOverlay("palette")} onKeys={() => setOverlay("keys")} />
      <Nav />
      <main id="main" tabIndex={-1}><Outlet /></main>
      <Suspense>
        {overlay === "palette" && <Palette onClose={() => setOverlay(null)} />}
        {overlay === "keys" && <Keys onClose={() => setOverlay(null)} />}
      </Suspense>
    </div>
  );
}

export function Mark() {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="7" fill="var(--accent)" />
      <path d="M7 23 16 8l9 15M11.500 17.500h9" fill="none" stroke="var(--accent-fg)" strokeWidth="2.600" strokeLinecap="round" strokeLinejoin="round" />
    </svg>
  );
}

function Header({ onFind, onKeys }: { onFind: () => void; onKeys: () => void }) {
  const project = useProject();
  const { data: me } = useQuery(meQuery);
  return (
    <header>
      <Link className="brand" to="/p/$project" params={{ project }} aria-label="Artel" title={t("nav.home")}><Mark /><span>Artel</span></Link>
      <button type="button" className="find" onClick={onFind}>
        <Icon name="search" /><span className="truncate">{t("palette.open")}</span><kbd>Ctrl K</kbd>
      </button>
      <div className="end row loose">
        <LiveMark />
        <Suspense fallback={<span className="button ghost"><Icon name="users" />{me?.name}</span>}><UserMenu onKeys={onKeys} /></Suspense>
      </div>
    </header>
  );
}

function LiveMark() {
  const live = useLive();
  return (
    <span className="live" data-live={live} role="status" title={t("live.hint")}>
      <i aria-hidden="true" />{live === "live" ? t("live.live") : t("live.reconnecting")}
    </span>
  );
}

function Nav() {
  const project = useProject();
  const { data: me } = useQuery(meQuery);
  // A run's address does not name its experiment, and it belongs there all the same.
  const onRun = useParams({ strict: false, select: (params) => params.run !== undefined });
  const link = (icon: IconName, name: string, to: "/p/$project" | "/p/$project/notebooks" | "/p/$project/experiments" | "/p/$project/models" | "/p/$project/pipelines" | "/p/$project/deployments") => (
    <Link to={to} params={{ project }} activeOptions={{ exact: to === "/p/$project" }} title={name}
      data-status={to === "/p/$project/experiments" && onRun ? "active" : undefined}><Icon name={icon} /><span>{name}</span></Link>
  );
  return (
    <nav className="nav" aria-label={t("nav.main")}>
      <div className="nav-group">
        {link("home", t("nav.home"), "/p/$project")}
        {link("notebook", t("nav.notebooks"), "/p/$project/notebooks")}
      </div>
      <div className="nav-group">
        <h2>{t("nav.build")}</h2>
        {link("experiment", t("nav.experiments"), "/p/$project/experiments")}
        {link("model", t("nav.models"), "/p/$project/models")}
      </div>
      <div className="nav-group">
        <h2>{t("nav.operate")}</h2>
        {link("pipeline", t("nav.pipelines"), "/p/$project/pipelines")}
        {link("endpoint", t("nav.deployments"), "/p/$project/deployments")}
      </div>
      <div className="nav-group">
        <h2>{t("nav.manage")}</h2>
        {me?.admin && <Link to="/admin/users" title={t("nav.users")}><Icon name="users" /><span>{t("nav.users")}</span></Link>}
        <Link to="/settings" title={t("nav.settings")}><Icon name="settings" /><span>{t("nav.settings")}</span></Link>
      </div>
    </nav>
  );
}
