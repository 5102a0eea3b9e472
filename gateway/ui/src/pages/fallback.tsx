import { Link, useRouter } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { t } from "../i18n";
import { useLive } from "../live/events";
import { LoadError, reload } from "../page";
import { ErrorBox, Skeleton } from "../ui/loaded";
import { Empty, Page } from "../ui/page";

export function NotFound() {
  return (
    <Page title={t("notFound.title")}>
      <Empty title={t("notFound.what")}>
        <p>{t("notFound.why")}</p>
        <p><Link to="/">{t("notFound.home")}</Link></p>
      </Empty>
    </Page>
  );
}

/** A page that could not be shown: tries again by itself when the server is back. */
export function Crashed({ error }: { error: unknown }) {
  const router = useRouter();
  const live = useLive();
  const before = useRef(live);
  const unloaded = error instanceof LoadError;
  useEffect(() => {
    const back = live === "live" && before.current !== "live";
    before.current = live;
    if (unloaded && back) window.location.reload();
    // While the server is there, a part that is missing means that it has another version now.
    else if (unloaded && live === "live") reload();
    else if (back) void router.invalidate();
  }, [live, unloaded, router]);
  return (
    <div className="page">
      <ErrorBox what={t("error.page")} error={error instanceof Error ? error : new Error(String(error))} retry={() => (unloaded ? window.location.reload() : void router.invalidate())} />
    </div>
  );
}

export function Waiting() {
  return <div className="page"><Skeleton /></div>;
}
