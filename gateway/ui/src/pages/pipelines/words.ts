import { t } from "../../i18n";

/** How a DAG run came to be. */
export function runTypeWord(type: string | undefined): string {
  if (type === "manual") return t("runType.manual");
  if (type === "scheduled") return t("runType.scheduled");
  if (type === "backfill") return t("runType.backfill");
  if (type === "asset_triggered") return t("runType.asset");
  return type ?? "–";
}
