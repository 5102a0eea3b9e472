/** The furniture of every page: where am I, what is this, what can be done, what belongs to it. */
import { Link, type ActiveOptions, type LinkProps } from "@tanstack/react-router";
import { useEffect, type ReactNode } from "react";
import { t } from "../i18n";

export interface Crumb { name: string; link: LinkProps }

export function Page({ title, crumbs = [], badges, facts = [], actions, fill = false, narrow = false, children }: {
  title: string;
  crumbs?: Crumb[];
  badges?: ReactNode;
  facts?: [string, ReactNode][];
  actions?: ReactNode;
  /** Takes the window's height; something inside scrolls. */
  fill?: boolean;
  narrow?: boolean;
  children: ReactNode;
}) {
  useEffect(() => {
    document.title = `${title} · Artel`;
  }, [title]);
  return (
    <div className={`page ${fill ? "fill" : ""} ${narrow ? "narrow" : ""}`}>
      <div className="page-head">
        <div className="titles">
          {crumbs.length > 0 && (
            <nav aria-label={t("nav.crumbs")}>
              <ol className="crumbs">{crumbs.map((crumb) => <li key={crumb.name}><Link {...crumb.link}>{crumb.name}</Link></li>)}</ol>
            </nav>
          )}
          <div className="title"><h1>{title}</h1>{badges}</div>
          {facts.length > 0 && (
            <dl className="facts">{facts.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>
          )}
        </div>
        {actions && <div className="row wrap">{actions}</div>}
      </div>
      {children}
    </div>
  );
}

export function Section({ title, count, actions, children }: { title: string; count?: number; actions?: ReactNode; children: ReactNode }) {
  return (
    <section className="section">
      <header>
        <h2>{title}</h2>
        {count !== undefined && <span className="count num">{count}</span>}
        {actions && <div className="end row">{actions}</div>}
      </header>
      {children}
    </section>
  );
}

/** What to do where there is nothing yet. */
export function Empty({ title, children }: { title: string; children: ReactNode }) {
  return <div className="empty"><h2>{title}</h2>{children}</div>;
}

/** Tabs that are links: each has its own address. */
export function Tabs({ label, tabs }: { label: string; tabs: { name: string; link: LinkProps & { activeOptions?: ActiveOptions } }[] }) {
  return (
    <nav className="tabs" aria-label={label}>
      {tabs.map((tab) => <Link key={tab.name} {...tab.link} activeProps={{ "aria-current": "page" }}>{tab.name}</Link>)}
    </nav>
  );
}
