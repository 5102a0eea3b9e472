import type { Token } from "../api/hub";
import { t } from "../i18n";
import { CopyButton } from "../ui/controls";

/** A token that was just made, with the S3 access key that it is too. Neither is shown again. */
export function MadeToken({ token }: { token: Token }) {
  return (
    <div className="notice" role="status">
      <div className="stack tight grow">
        <b>{t("tokens.once")}</b>
        <span className="row"><code className="wrap-anywhere" data-token="">{token.token}</code><CopyButton text={token.token ?? ""} label={t("tokens.copy")} /></span>
        {token.s3 && (
          <dl className="access-key">
            <dt>{t("tokens.s3Key")}</dt>
            <dd className="row"><code className="wrap-anywhere">{token.s3.access_key_id}</code><CopyButton text={token.s3.access_key_id} label={t("tokens.copyS3Key")} /></dd>
            <dt>{t("tokens.s3Secret")}</dt>
            <dd className="row"><code className="wrap-anywhere">{token.s3.secret_access_key}</code><CopyButton text={token.s3.secret_access_key} label={t("tokens.copyS3Secret")} /></dd>
          </dl>
        )}
      </div>
    </div>
  );
}
