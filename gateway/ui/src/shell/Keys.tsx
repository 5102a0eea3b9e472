import { t } from "../i18n";
import { Button } from "../ui/controls";
import { Dialog } from "../ui/overlay";

export default function Keys({ onClose }: { onClose: () => void }) {
  const rows: [string[], string][] = [
    [["Ctrl", "K"], t("keys.palette")],
    [["/"], t("keys.filter")],
    [["g", "h"], t("nav.home")],
    [["g", "n"], t("nav.notebooks")],
    [["g", "e"], t("nav.experiments")],
    [["g", "m"], t("nav.models")],
    [["g", "p"], t("nav.pipelines")],
    [["g", "d"], t("nav.deployments")],
    [["j", "k"], t("keys.move")],
    [["x"], t("keys.select")],
    [["Enter"], t("keys.open")],
    [["c"], t("keys.compare")],
    [["[", "]"], t("keys.neighbour")],
    [["Alt", "T"], t("keys.theme")],
    [["?"], t("keys.help")],
  ];
  return (
    <Dialog title={t("keys.title")} open onClose={onClose}>
      <dl className="keys">
        {rows.map(([keys, what]) => (
          <div key={what} style={{ display: "contents" }}>
            <dt className="row">{keys.map((key) => <kbd key={key}>{key}</kbd>)}</dt><dd>{what}</dd>
          </div>
        ))}
      </dl>
      <p className="small muted">{t("keys.off")}</p>
      <div className="actions"><Button onClick={onClose}>{t("action.close")}</Button></div>
    </Dialog>
  );
}
