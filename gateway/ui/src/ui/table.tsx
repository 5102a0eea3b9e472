/** A plain table for lists that fit a page; long ones have their own virtual grid. */
import type { ReactNode } from "react";

export interface Column<Row> {
  key: string;
  title: ReactNode;
  /** Right-aligned figures. */
  numeric?: boolean;
  className?: string;
  cell: (row: Row) => ReactNode;
}

export function Table<Row>({ label, columns, rows, rowKey }: {
  label: string; columns: Column<Row>[]; rows: readonly Row[]; rowKey: (row: Row) => string;
}) {
  return (
    <div className="panel table-scroll" tabIndex={0} role="region" aria-label={label}>
      <table className="table" aria-label={label}>
        <thead>
          <tr>{columns.map((column) => <th key={column.key} scope="col" className={column.numeric ? "right" : ""}>{column.title}</th>)}</tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={rowKey(row)}>
              {columns.map((column) => (
                <td key={column.key} className={`${column.numeric ? "right num" : ""} ${column.className ?? ""}`}>{column.cell(row)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function KeyValues({ label, rows }: { label: string; rows: readonly (readonly [string, ReactNode])[] }) {
  return (
    <div className="panel">
      <table className="table keyvalue" aria-label={label}>
        <tbody>{rows.map(([key, value]) => <tr key={key}><th scope="row">{key}</th><td className="right num">{value}</td></tr>)}</tbody>
      </table>
    </div>
  );
}
