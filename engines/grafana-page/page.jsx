// Draws one dashboard of ours with Grafana's own components, from its JSON and what Prometheus answered.
// window.GIVEN = {document, answers: {panel id: {ref: result}}, chosen: {variable: value}, mode, width, from, to}
// Two panels have no published component (heatmap, state timeline); they are drawn here in the theme's colours.
import { useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import {
  FieldType, ThemeContext, applyFieldOverrides, cacheFieldDisplayNames, createDataFrame, createTheme, dateTime, displayNameOverrideProcessor,
  formattedValueToString, getDisplayProcessor, getFieldDisplayName, identityOverrideProcessor, numberOverrideProcessor,
  reduceField, standardFieldConfigEditorRegistry, standardTransformers, standardTransformersRegistry,
  thresholdsOverrideProcessor, transformDataFrame, unitOverrideProcessor, valueMappingsOverrideProcessor,
} from "@grafana/data";
import { BarGauge, BigValue, GlobalStyles, PanelChrome, PortalContainer, TimeSeries } from "@grafana/ui";
import { TableNG } from "@grafana/ui/unstable";
import { lastValueFrom } from "rxjs";

const { document: board, answers, chosen, mode, width, from, to } = window.GIVEN;
const theme = createTheme({ colors: { mode } });
const time = { from: dateTime(from), to: dateTime(to), raw: { from: dateTime(from), to: dateTime(to) } };
const ROW = 30, GAP = 8;
const filled = (text) => String(text ?? "").replace(/\$\{?(\w+)\}?/g, (whole, name) => chosen[name] ?? whole);

const standard = {
  unit: unitOverrideProcessor, min: numberOverrideProcessor, max: numberOverrideProcessor,
  decimals: numberOverrideProcessor, displayName: displayNameOverrideProcessor,
  thresholds: thresholdsOverrideProcessor, mappings: valueMappingsOverrideProcessor,
};
const custom = ["lineStyle", "fillOpacity", "lineWidth", "width", "cellOptions", "hideFrom.viz"];
const option = (id, path, more = {}) => ({
  id, path, name: id, settings: {}, editor: () => null, override: () => null, shouldApply: () => true,
  process: standard[id] ?? identityOverrideProcessor, ...more,
});
standardFieldConfigEditorRegistry.setInit(() => [
  ...["unit", "min", "max", "decimals", "displayName", "color", "thresholds", "mappings", "noValue", "links"].map((id) => option(id, id)),
  ...custom.map((path) => option(`custom.${path}`, path, { isCustom: true })),
]);
// Some transformers are listed twice, under an old name and a new one.
const transformers = new Map(Object.values(standardTransformers).map((one) => [one.id, one]));
standardTransformersRegistry.setInit(() => [...transformers.values()].map((one) => ({
  id: one.id, name: one.name, transformation: () => Promise.resolve(one),
})));

function frames(panel) {
  return (panel.targets ?? []).flatMap((target) => {
    const result = answers[panel.id]?.[target.refId]?.result ?? [];
    if (target.format === "table") return [table(target, result, panel.targets.length)];
    return result.map((series) => {
      const values = series.values ?? [series.value];
      const format = target.legendFormat === "__auto" ? "" : target.legendFormat;
      const name = format ? format.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, label) => series.metric[label] ?? "") : "value";
      return createDataFrame({ refId: target.refId, fields: [
        { name: "Time", type: FieldType.time, values: values.map((pair) => pair[0] * 1000), config: {} },
        { name, type: FieldType.number, labels: series.metric, values: values.map((pair) => Number(pair[1])), config: { displayNameFromDS: name } },
      ] });
    });
  });
}

function table(target, result, count) {
  const labels = [...new Set(result.flatMap((row) => Object.keys(row.metric)))].sort();
  return createDataFrame({ refId: target.refId, fields: [
    { name: "Time", type: FieldType.time, values: result.map((row) => row.value[0] * 1000) },
    ...labels.map((name) => ({ name, type: FieldType.string, values: result.map((row) => row.metric[name] ?? "") })),
    { name: count > 1 ? `Value #${target.refId}` : "Value", type: FieldType.number, values: result.map((row) => Number(row.value[1])) },
  ] });
}

async function prepared(panel) {
  const raw = frames(panel);
  const shaped = panel.transformations?.length
    ? await lastValueFrom(transformDataFrame(panel.transformations, raw, { interpolate: filled }))
    : raw;
  const defaults = { color: { mode: panel.type === "timeseries" ? "palette-classic" : "thresholds" }, ...panel.fieldConfig?.defaults };
  const drawn = { drawStyle: "line", lineInterpolation: "linear", lineWidth: 1, fillOpacity: 0, showPoints: "auto", pointSize: 5,
    axisPlacement: "auto", axisColorMode: "text", scaleDistribution: { type: "linear" }, gradientMode: "none",
    hideFrom: { tooltip: false, viz: false, legend: false }, thresholdsStyle: { mode: "off" }, stacking: { mode: "none", group: "A" } };
  defaults.custom = panel.type === "timeseries" ? { ...drawn, ...defaults.custom } : { ...defaults.custom };
  const made = applyFieldOverrides({ data: shaped, fieldConfig: { defaults, overrides: panel.fieldConfig?.overrides ?? [] },
    replaceVariables: filled, theme, timeZone: "utc", fieldConfigRegistry: standardFieldConfigEditorRegistry });
  const whole = made.map((frame) => ({ ...frame, fields: frame.fields.map((field) => ({
    ...field, config: { ...field.config, custom: { ...defaults.custom, ...field.config.custom } } })) }));
  cacheFieldDisplayNames(whole);
  return whole;
}

const lastOf = (field) => reduceField({ field, reducers: ["lastNotNull"] }).lastNotNull;
const numbers = (data) => data.flatMap((frame) => frame.fields.filter((field) => field.type === FieldType.number).map((field) => [frame, field]));

function Stat({ panel, data, w, h }) {
  const all = numbers(data);
  const wide = w > h;
  const one = { width: wide ? w / all.length : w, height: wide ? h : h / all.length };
  return <div style={{ display: "flex", flexDirection: wide ? "row" : "column" }}>{all.map(([frame, field], index) => {
    const value = field.display(lastOf(field));
    const named = panel.options.textMode === "value_and_name" ? { ...value, title: getFieldDisplayName(field, frame, data) } : value;
    const line = panel.options.graphMode === "area" && frame.length > 1 ? { y: field, x: frame.fields[0] } : undefined;
    return <BigValue key={index} theme={theme} {...one} value={named} colorMode={panel.options.colorMode} textMode={panel.options.textMode}
      graphMode={panel.options.graphMode} justifyMode="auto" sparkline={line} wideLayout />;
  })}</div>;
}

function Bars({ panel, data, w, h }) {
  const all = numbers(data);
  const highest = Math.max(...all.map(([, field]) => lastOf(field) ?? 0), 1e-9);
  return all.map(([frame, field], index) => {
    const value = field.display(lastOf(field));
    const config = { ...field.config, min: field.config.min ?? 0, max: field.config.max ?? highest };
    const display = getDisplayProcessor({ field: { ...field, config }, theme });
    return <div key={index} style={{ marginBottom: 6 }}><BarGauge theme={theme} width={w} height={(h - 6 * all.length) / all.length} field={config}
      display={display} value={{ ...display(lastOf(field)), title: getFieldDisplayName(field, frame, data) }} orientation="horizontal"
      displayMode={panel.options.displayMode} valueDisplayMode={panel.options.valueMode} showUnfilled namePlacement={panel.options.namePlacement} /></div>;
  });
}

function States({ data, w, h }) {
  const all = numbers(data);
  const lane = (h - 34) / Math.max(1, all.length), left = Math.min(230, w / 2.6);
  const seen = new Map();
  return <div style={{ position: "relative", width: w, height: h, fontSize: 12 }}>
    {all.map(([frame, field], row) => {
      const moments = frame.fields[0].values;
      return <div key={row}><span style={{ position: "absolute", top: row * lane + lane / 2 - 9, width: left - 8, textAlign: "right" }}>{getFieldDisplayName(field, frame, data)}</span>
        {field.values.map((value, index) => {
          const shown = field.display(value);
          seen.set(shown.text, shown.color);
          const next = moments[index + 1] ?? to;
          const x = (moment) => left + ((moment - from) / (to - from)) * (w - left);
          return <div key={index} style={{ position: "absolute", left: x(moments[index]), width: x(next) - x(moments[index]) + 0.6, top: row * lane + lane * 0.1, height: lane * 0.8, background: shown.color, opacity: 0.8 }} />;
        })}</div>;
    })}
    <div style={{ position: "absolute", bottom: 0 }}>{[...seen].map(([text, colour]) => <span key={text} style={{ marginRight: 16 }}><b style={{ color: colour }}>■</b> {text}</span>)}</div>
  </div>;
}

function Heat({ data, w, h }) {
  const rows = numbers(data).map(([frame, field]) => ({ bound: field.labels.le === "+Inf" ? Infinity : Number(field.labels.le), moments: frame.fields[0].values, values: field.values }))
    .sort((one, other) => one.bound - other.bound);
  const cells = rows.map((row, index) => row.values.map((value, at) => Math.max(0, value - (index ? rows[index - 1].values[at] : 0))));
  const used = cells.map((row, index) => [row, rows[index]]).filter(([row]) => Math.max(...row) > 1e-3);
  const most = Math.max(...used.flatMap(([row]) => row), 1e-9), tall = (h - 24) / Math.max(1, used.length), left = 70;
  return <div style={{ position: "relative", width: w, height: h, fontSize: 11 }}>{used.map(([row, about], index) => {
    const y = (used.length - 1 - index) * tall;
    return <div key={index}><span style={{ position: "absolute", top: y - 6, width: left - 8, textAlign: "right" }}>{about.bound === Infinity ? "more" : `${about.bound} ms`}</span>
      {row.map((value, at) => <div key={at} style={{ position: "absolute", top: y, height: tall - 1, left: left + (at * (w - left)) / row.length, width: (w - left) / row.length + 0.3, background: "#e0531f", opacity: Math.sqrt(value / most) }} />)}</div>;
  })}</div>;
}

function Drawn({ panel, data, w, h }) {
  const size = { width: w, height: h };
  if (!data.length || !data.some((frame) => frame.length)) return <p style={{ textAlign: "center", marginTop: h / 3 }}>{panel.fieldConfig.defaults.noValue ?? "No data"}</p>;
  switch (panel.type) {
    case "timeseries": return <TimeSeries frames={data} structureRev={1} {...size} timeRange={time} timeZone="utc" legend={panel.options.legend} options={panel.options} />;
    case "stat": return <Stat panel={panel} data={data} w={w} h={h} />;
    case "bargauge": return <Bars panel={panel} data={data} w={w} h={h} />;
    case "table": return <TableNG data={data[0]} {...size} sortBy={panel.options.sortBy} cellHeight={panel.options.cellHeight} fieldConfig={panel.fieldConfig} enableVirtualization={false} />;
    case "state-timeline": return <States data={data} w={w} h={h} />;
    case "heatmap": return <Heat data={data} w={w} h={h} />;
    default: return <p>{panel.type}</p>;
  }
}

function Panel({ panel }) {
  const [data, setData] = useState(null);
  useEffect(() => { prepared(panel).then(setData, (error) => console.error(panel.title, error)); }, [panel]);
  const narrow = width < 769, unit = (width - GAP) / 24;
  const { x, y, w, h } = panel.gridPos;
  const size = { width: (narrow ? width - GAP : w * unit) - GAP, height: h * (ROW + GAP) - GAP };
  const place = narrow ? { margin: GAP, ...size } : { position: "absolute", left: x * unit + GAP, top: y * (ROW + GAP) + 56, ...size };
  const title = filled(panel.title);
  if (panel.type === "row") return <div style={{ ...place, fontWeight: 500, paddingTop: 6 }}>⌄ {title}</div>;
  return <div style={place}><PanelChrome title={title} description={panel.description} {...size}>
    {(w, h) => data && <Drawn panel={panel} data={data} w={w} h={h} />}</PanelChrome></div>;
}

function Board() {
  const variables = board.templating.list.filter((one) => one.type === "query" && !one.hide);
  return <div style={{ position: "relative", background: theme.colors.background.canvas, minHeight: "100vh", width }}>
    <div style={{ display: "flex", gap: 16, padding: "12px 8px", fontSize: 14, flexWrap: "wrap" }}><b style={{ fontSize: 18 }}>{board.title}</b>
      {variables.map((one) => <span key={one.name}>{one.label} <code>{chosen[one.name] && chosen[one.name] !== ".*" ? chosen[one.name] : "All"}</code></span>)}</div>
    {board.panels.map((panel) => <Panel key={panel.id} panel={panel} />)}</div>;
}

createRoot(window.document.getElementById("root")).render(
  <ThemeContext.Provider value={theme}><GlobalStyles /><PortalContainer /><Board /></ThemeContext.Provider>);
