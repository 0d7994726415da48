package org.minpro.report;

import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.minpro.chart.LineChart;
import org.minpro.chart.Styles;
import org.minpro.chart.Svg;

/**
 * A report.
 *
 * @param title above all
 * @param blocks in their order
 */
public record Report(String title, List<Block> blocks) {
    private static final String PAGE = """
            :root{color-scheme:light dark;--text:#1b1b1b;--soft:#595959;--ground:#ffffff;--edge:#d9d9d9;--shade:#f4f5f7}
            @media(prefers-color-scheme:dark){:root{--text:#ececec;--soft:#b0b0b0;--ground:#16181c;--edge:#3a3d44;--shade:#1f2228}}
            body{margin:0 auto;max-width:1180px;padding:1.5rem;background:var(--ground);color:var(--text);font:15px/1.5 system-ui,sans-serif}
            h1{font-size:1.6rem;margin:.2rem 0 1rem}h2{font-size:1.2rem;margin:2.2rem 0 .4rem;border-bottom:1px solid var(--edge)}
            p{max-width:46rem}
            .wide{overflow-x:auto}
            table{border-collapse:collapse;margin:.6rem 0 1.2rem;font-variant-numeric:tabular-nums;font-size:14px}
            caption{text-align:left;font-weight:600;padding:.3rem 0;white-space:nowrap}
            th,td{padding:.22rem .7rem;border-bottom:1px solid var(--edge);text-align:right;vertical-align:top}
            th:first-child,td:first-child{text-align:left}
            td.prose,th.prose{text-align:left}
            thead th{color:var(--soft);font-weight:600}
            pre{background:var(--shade);padding:.7rem 1rem;overflow-x:auto;font-size:13px;border-radius:4px}
            .charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,480px),1fr));gap:1rem}
            .chart{width:100%;height:auto}
            .tokens{font:13px/1.9 ui-monospace,monospace;white-space:pre-wrap;overflow-wrap:anywhere;background:var(--shade);padding:.6rem .9rem;border-radius:4px}
            .tokens span{border-radius:2px}
            .up{background:rgb(230 97 1/var(--a))}.down{background:rgb(0 114 178/var(--a))}
            """;

    public Report {
        blocks = List.copyOf(blocks);
    }

    /** One page that needs nothing else: no network, no script. */
    public String html() {
        StringBuilder out = new StringBuilder("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
                .append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>")
                .append(Svg.text(title))
                .append("</title>\n<style>\n")
                .append(PAGE)
                .append(Styles.SHEET)
                .append("\n</style>\n</head>\n<body>\n<h1>")
                .append(Svg.text(title))
                .append("</h1>\n");
        blocks.forEach(block -> out.append(html(block)).append('\n'));
        return out.append("</body>\n</html>\n").toString();
    }

    private static String html(Block block) {
        return switch (block) {
            case Block.Heading heading -> "<h2>" + Svg.text(heading.text()) + "</h2>";
            case Block.Text text -> "<p>" + Svg.text(text.text()) + "</p>";
            case Block.Code code -> "<pre>" + Svg.text(code.text()) + "</pre>";
            case Block.Charts charts ->
                charts.charts().stream()
                        .map(LineChart::svg)
                        .collect(Collectors.joining("\n", "<div class=\"charts\">", "</div>"));
            case Block.Table table -> html(table);
            case Block.Tokens tokens -> html(tokens);
        };
    }

    private static String html(Block.Table table) {
        StringBuilder out = new StringBuilder(
                "<div class=\"wide\"><table><caption>" + Svg.text(table.title()) + "</caption><thead><tr>");
        for (int column = 0; column < table.header().size(); column++) {
            int at = column;
            // A column of words is aligned as its words are.
            boolean words = table.rows().stream().allMatch(row -> row.get(at).isEmpty() || isProse(row.get(at)));
            out.append(words ? "<th scope=\"col\" class=\"prose\">" : "<th scope=\"col\">")
                    .append(Svg.text(table.header().get(column)))
                    .append("</th>");
        }
        out.append("</tr></thead><tbody>");
        for (List<String> row : table.rows()) {
            out.append("<tr>");
            for (String cell : row) {
                out.append(isProse(cell) ? "<td class=\"prose\">" : "<td>")
                        .append(Svg.text(cell))
                        .append("</td>");
            }
            out.append("</tr>");
        }
        return out.append("</tbody></table></div>").toString();
    }

    private static boolean isProse(String cell) {
        return !cell.isEmpty() && Character.isLetter(cell.charAt(0));
    }

    private static String html(Block.Tokens tokens) {
        StringBuilder out = new StringBuilder("<p>" + Svg.text(tokens.title()) + "</p><div class=\"tokens\">");
        for (Block.Token token : tokens.tokens()) {
            // At |log rho| = 1 the colour is full.
            double strength = Math.min(1, Math.abs(token.logRatio()));
            out.append(String.format(
                    Locale.ROOT,
                    "<span class=\"%s\" style=\"--a:%.2f\" title=\"%s\">%s</span>",
                    token.logRatio() > 0 ? "up" : "down",
                    0.85 * strength,
                    Svg.text(token.note()),
                    Svg.text(token.text())));
        }
        return out.append("</div>").toString();
    }

    /** The same as Markdown, without charts. */
    public String markdown() {
        StringBuilder out = new StringBuilder("# " + title + "\n");
        for (Block block : blocks) {
            out.append(
                    switch (block) {
                        case Block.Heading heading -> "\n## " + heading.text() + "\n";
                        case Block.Text text -> "\n" + text.text() + "\n";
                        case Block.Code code -> "\n```\n" + code.text() + "\n```\n";
                        case Block.Table table -> markdown(table);
                        case Block.Charts charts -> "";
                        case Block.Tokens tokens -> markdown(tokens);
                    });
        }
        return out.toString();
    }

    private static String markdown(Block.Table table) {
        StringBuilder out = new StringBuilder("\n" + table.title() + "\n\n");
        line(out, table.header());
        line(out, table.header().stream().map(name -> "---").toList());
        table.rows().forEach(row -> line(out, row));
        return out.toString();
    }

    private static void line(StringBuilder out, List<String> cells) {
        out.append(
                cells.stream().map(cell -> cell.replace("|", "\\|")).collect(Collectors.joining(" | ", "| ", " |\n")));
    }

    private static String markdown(Block.Tokens tokens) {
        return "\n" + tokens.title() + "\n\n```\n"
                + tokens.tokens().stream().map(Block.Token::text).collect(Collectors.joining()) + "\n```\n";
    }
}
