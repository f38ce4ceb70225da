local panel(title, expr) = {
  type: 'timeseries', title: title, datasource: '$datasource', fill: null, targets: [{ expr: expr, refId: 'A' }],
};
{
  title: 'Drawn by jsonnet', uid: 'own-jsonnet', schemaVersion: 16, id: 7, style: 'dark', hideControls: false,
  templating: { list: [{ name: 'datasource', type: 'datasource', query: 'prometheus', hide: 0 }] },
  rows: [{ title: 'r', height: '250px', showTitle: true, panels: [panel('a', 'up'), panel('b', 'rate(x[5m])') { span: 6 }] }],
}
