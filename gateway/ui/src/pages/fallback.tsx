import { Link, useRouter } from "@tanstack/react-router";
import { t } from "../i18n";
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

export function Crashed({ error }: { error: unknown }) {
  const router = useRouter();
  return (
    <div className="page"><ErrorBox what={t("error.page")} error={error instanceof Error ? error : new Error(String(error))} retry={() => void router.invalidate()} /></div>
  );
}

export function Waiting() {
  return <div className="page"><Skeleton /></div>;
}
