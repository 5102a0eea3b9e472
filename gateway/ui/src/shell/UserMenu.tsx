import { Menu } from "@base-ui/react/menu";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { logout, meQuery } from "../api/me";
import { LANGUAGES, setLanguage, t, useLanguage } from "../i18n";
import { setTheme, useThemeChoice, type ThemeChoice } from "../theme/theme";
import { Button } from "../ui/controls";
import { Icon } from "../ui/icons";

export default function UserMenu({ onKeys }: { onKeys: () => void }) {
  const { data: me } = useQuery(meQuery);
  const client = useQueryClient();
  const navigate = useNavigate();
  const choice = useThemeChoice();
  const language = useLanguage();
  const themes: [ThemeChoice, string][] = [["system", t("theme.system")], ["light", t("theme.light")], ["dark", t("theme.dark")]];
  const signOut = async (): Promise<void> => {
    await logout();
    client.clear();
    await navigate({ to: "/login", search: {} });
  };
  return (
    <Menu.Root modal={false}>
      <Menu.Trigger render={<Button variant="ghost" />} aria-label={t("nav.account", { name: me?.name ?? "" })}>
        <Icon name="users" />{me?.name}
      </Menu.Trigger>
      <Menu.Portal container={document.getElementById("main")}>
        <Menu.Positioner className="floating" sideOffset={4} align="end">
          <Menu.Popup className="menu">
            <Menu.LinkItem className="menu-item" render={<Link to="/settings" />}><Icon name="settings" />{t("nav.settings")}</Menu.LinkItem>
            <Menu.Item className="menu-item" onClick={onKeys}><Icon name="dash" />{t("keys.title")}<kbd className="end">?</kbd></Menu.Item>
            <Menu.LinkItem className="menu-item" href="/docs" target="_blank"><Icon name="external" />{t("nav.apiDocs")}</Menu.LinkItem>
            <div className="menu-line" />
            <Choice label={t("theme.title")} value={choice} options={themes} onChange={setTheme} />
            <div className="menu-line" />
            <Choice label={t("language.title")} value={language} options={LANGUAGES.map((code) => [code, t(`language.${code}`)] as const)}
              onChange={(code) => void setLanguage(code)} />
            <div className="menu-line" />
            <Menu.Item className="menu-item" onClick={() => void signOut()}><Icon name="close" />{t("action.signOut")}</Menu.Item>
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  );
}

function Choice<T extends string>({ label, value, options, onChange }: {
  label: string; value: T; options: readonly (readonly [T, string])[]; onChange: (value: T) => void;
}) {
  return (
    <Menu.RadioGroup value={value} onValueChange={onChange} aria-label={label}>
      <div className="menu-label" aria-hidden="true">{label}</div>
      {options.map(([option, word]) => (
        <Menu.RadioItem key={option} value={option} className="menu-item">
          <span className="check-mark"><Menu.RadioItemIndicator><Icon name="check" /></Menu.RadioItemIndicator></span>{word}
        </Menu.RadioItem>
      ))}
    </Menu.RadioGroup>
  );
}
