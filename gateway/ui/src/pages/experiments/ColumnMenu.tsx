import { Menu } from "@base-ui/react/menu";
import { t } from "../../i18n";
import { Button } from "../../ui/controls";
import { Icon } from "../../ui/icons";
import type { DataColumn } from "./columns";

export function ColumnMenu({ all, shown, onChange }: {
  all: readonly DataColumn[]; shown: readonly DataColumn[]; onChange: (columns: string[] | undefined) => void;
}) {
  const on = new Set(shown.map((column) => column.id));
  const toggle = (id: string, checked: boolean): void => {
    const ids = shown.map((column) => column.id);
    onChange(checked ? [...ids, id] : ids.filter((other) => other !== id));
  };
  return (
    <Menu.Root modal={false}>
      <Menu.Trigger render={<Button icon="columns" />} disabled={all.length === 0}>{t("runs.columns")}</Menu.Trigger>
      <Menu.Portal container={document.getElementById("main")}>
        <Menu.Positioner className="floating" sideOffset={4} align="start">
          <Menu.Popup className="menu">
            <Menu.Item className="menu-item" onClick={() => onChange(undefined)}>{t("runs.defaultColumns")}</Menu.Item>
            {(["metrics", "params", "tags"] as const).map((kind) => {
              const columns = all.filter((column) => column.kind === kind);
              if (columns.length === 0) return null;
              return (
                <Menu.Group key={kind}>
                  <Menu.GroupLabel className="menu-label">{t(`runs.kind.${kind}`)}</Menu.GroupLabel>
                  {columns.map((column) => (
                    <Menu.CheckboxItem key={column.id} className="menu-item" closeOnClick={false} checked={on.has(column.id)}
                      onCheckedChange={(checked) => toggle(column.id, checked)}>
                      <span className="check-mark"><Menu.CheckboxItemIndicator><Icon name="check" /></Menu.CheckboxItemIndicator></span>
                      <span className="mono">{column.key}</span>
                    </Menu.CheckboxItem>
                  ))}
                </Menu.Group>
              );
            })}
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  );
}
