//! A dashboard in few words, and as Grafana's JSON (schema 39, which Grafana 10 to 12 read).

use serde_json::{Value, json};

/// In Grafana's words.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    TimeSeries,
    Stat,
    Table,
    Heatmap,
}

#[derive(Debug)]
pub(super) struct Query {
    pub(super) expression: &'static str,
    pub(super) legend: &'static str,
}

#[derive(Debug)]
pub(super) struct Panel {
    pub(super) title: &'static str,
    pub(super) description: &'static str,
    pub(super) kind: Kind,
    /// As Grafana names units.
    pub(super) unit: &'static str,
    /// Of 24 columns.
    pub(super) width: u32,
    pub(super) queries: Vec<Query>,
}

/// A panel of a third of the width, with one query.
pub(super) fn panel(
    title: &'static str,
    description: &'static str,
    unit: &'static str,
    expression: &'static str,
    legend: &'static str,
) -> Panel {
    let queries = vec![Query { expression, legend }];
    Panel { title, description, kind: Kind::TimeSeries, unit, width: 8, queries }
}

impl Panel {
    pub(super) fn kind(self, kind: Kind) -> Panel {
        Panel { kind, ..self }
    }

    pub(super) fn width(self, width: u32) -> Panel {
        Panel { width, ..self }
    }

    pub(super) fn and(mut self, expression: &'static str, legend: &'static str) -> Panel {
        self.queries.push(Query { expression, legend });
        self
    }
}

/// Name, label, and the query that lists its values.
type Variable = (&'static str, &'static str, &'static str);

/// Every dashboard's first one.
const CLUSTER: Variable = ("cluster", "Cluster", "label_values(plimsoll_up, cluster)");

#[derive(Debug)]
pub(super) struct Dashboard {
    /// Without its ending; also its uid.
    pub(super) file: &'static str,
    pub(super) title: &'static str,
    pub(super) description: &'static str,
    /// Those behind the cluster; each narrows the next.
    pub(super) variables: &'static [Variable],
    pub(super) panels: Vec<Panel>,
}

const HEIGHT: u32 = 8;
const WIDTH: u32 = 24;

impl Dashboard {
    pub(super) fn json(&self) -> Value {
        let source = json!({
            "name": "datasource",
            "label": "Data source",
            "type": "datasource",
            "query": "prometheus",
        });
        let queried = std::iter::once(&CLUSTER).chain(self.variables).map(|(name, label, query)| {
            json!({
                "name": name,
                "label": label,
                "type": "query",
                "datasource": datasource(),
                "definition": query,
                "query": { "query": query, "refId": name },
                "refresh": 2,
                "sort": 1,
                "multi": true,
                "includeAll": true,
                "allValue": ".*",
                "current": { "text": ["All"], "value": ["$__all"] },
            })
        });
        let variables: Vec<Value> = std::iter::once(source).chain(queried).collect();
        let (mut x, mut y) = (0, 0);
        let panels = (1..).zip(&self.panels).map(|(id, panel)| {
            if x + panel.width > WIDTH {
                (x, y) = (0, y + HEIGHT);
            }
            let place = json!({ "h": HEIGHT, "w": panel.width, "x": x, "y": y });
            x += panel.width;
            panel.json(id, &place)
        });
        let panels: Vec<Value> = panels.collect();
        json!({
            "uid": self.file,
            "title": self.title,
            "description": self.description,
            "tags": ["plimsoll"],
            "schemaVersion": 39,
            "version": 1,
            "editable": true,
            "graphTooltip": 1,
            "refresh": "10s",
            "time": { "from": "now-1h", "to": "now" },
            "links": [{
                "title": "Plimsoll",
                "type": "dashboards",
                "icon": "external link",
                "tooltip": "",
                "url": "",
                "tags": ["plimsoll"],
                "asDropdown": true,
                "includeVars": true,
                "keepTime": true,
                "targetBlank": false,
            }],
            "annotations": { "list": [] },
            "templating": { "list": variables },
            "panels": panels,
        })
    }
}

fn datasource() -> Value {
    json!({ "type": "prometheus", "uid": "${datasource}" })
}

impl Panel {
    fn json(&self, id: u32, place: &Value) -> Value {
        let kind = match self.kind {
            Kind::TimeSeries => "timeseries",
            Kind::Stat => "stat",
            Kind::Table => "table",
            Kind::Heatmap => "heatmap",
        };
        let targets = ('A'..).zip(&self.queries).map(|(letter, query)| {
            // What is now, not what was last known: of a daemon that has died nothing is.
            let is_instant = matches!(self.kind, Kind::Table | Kind::Stat);
            let format = match self.kind {
                Kind::Table => "table",
                Kind::Heatmap => "heatmap",
                Kind::TimeSeries | Kind::Stat => "time_series",
            };
            json!({
                "refId": letter.to_string(),
                "datasource": datasource(),
                "expr": query.expression,
                "legendFormat": query.legend,
                "format": format,
                "instant": is_instant,
                "range": !is_instant,
            })
        });
        json!({
            "id": id,
            "title": self.title,
            "description": self.description,
            "type": kind,
            "datasource": datasource(),
            "gridPos": place,
            // A value that was not measured is a gap, never a line from before to after.
            "fieldConfig": {
                "defaults": { "unit": self.unit, "custom": self.custom() },
                "overrides": [],
            },
            "options": self.options(),
            "targets": targets.collect::<Vec<_>>(),
        })
    }

    /// All that Grafana itself writes down of this kind of panel.
    fn options(&self) -> Value {
        match self.kind {
            Kind::TimeSeries => json!({
                "legend": { "calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": true },
                "tooltip": { "mode": "multi", "sort": "desc" },
            }),
            Kind::Stat => json!({
                "colorMode": "value",
                "graphMode": "none",
                "justifyMode": "auto",
                "orientation": "auto",
                "percentChangeColorMode": "standard",
                "reduceOptions": { "calcs": ["lastNotNull"], "fields": "", "values": false },
                "showPercentChange": false,
                "textMode": "auto",
                "wideLayout": true,
            }),
            Kind::Table => json!({ "cellHeight": "sm", "frameIndex": 0, "showHeader": true }),
            Kind::Heatmap => json!({
                "calculate": false,
                "cellGap": 1,
                "color": {
                    "exponent": 0.5,
                    "fill": "dark-orange",
                    "mode": "scheme",
                    "reverse": false,
                    "scale": "exponential",
                    "scheme": "Oranges",
                    "steps": 64,
                },
                "exemplars": { "color": "rgba(255,0,255,0.7)" },
                "filterValues": { "le": 1e-9 },
                "legend": { "show": true },
                "rowsFrame": { "layout": "auto" },
                "showValue": "never",
                "tooltip": { "mode": "single", "showColorScale": false, "yHistogram": false },
                "yAxis": { "axisPlacement": "left", "reverse": false, "unit": self.unit },
            }),
        }
    }

    fn custom(&self) -> Value {
        match self.kind {
            Kind::TimeSeries => json!({ "spanNulls": false }),
            Kind::Table => json!({ "align": "auto", "cellOptions": { "type": "auto" }, "inspect": false }),
            Kind::Stat | Kind::Heatmap => json!({}),
        }
    }
}
