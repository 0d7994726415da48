package org.minpro.chart;

/**
 * How series are told apart: by colour (after Okabe and Ito, "Color Universal Design", which those who cannot tell red
 * from green can read), by dashes and by the shape of their marks, on light and on dark.
 */
public final class Styles {
    private static final String[] LIGHT = {
        "#0072b2", "#d55e00", "#007a5a", "#b0588a", "#a86f00", "#2c8fc9", "#222222", "#7d7300"
    };
    private static final String[] DARK = {
        "#5ab4f0", "#ff8f52", "#37cfa3", "#e8a6cb", "#ffc252", "#a5dcff", "#eeeeee", "#f0e442"
    };
    private static final String[] DASHES = {"", "7 3", "2 3", "9 3 2 3", "12 4", "4 2 1 2", "1 2", "6 2 6 6"};

    /** What a page needs in its style sheet for the charts in it. */
    public static final String SHEET = sheet();

    private Styles() {}

    private static String sheet() {
        StringBuilder light = new StringBuilder(
                ".chart{--ink:#1b1b1b;--faint:#6b6b6b;--grid:#dddddd;--ground:#ffffff;font:12px system-ui,sans-serif}");
        StringBuilder dark = new StringBuilder(".chart{--ink:#ececec;--faint:#a9a9a9;--grid:#3a3a3a;--ground:#16181c}");
        StringBuilder classes = new StringBuilder();
        for (int i = 0; i < LIGHT.length; i++) {
            light.append(".c").append(i).append("{--c:").append(LIGHT[i]).append('}');
            dark.append(".c").append(i).append("{--c:").append(DARK[i]).append('}');
        }
        for (int i = 0; i < DASHES.length; i++) {
            classes.append(".d")
                    .append(i)
                    .append("{stroke-dasharray:")
                    .append(DASHES[i].isEmpty() ? "none" : DASHES[i]);
            classes.append('}');
        }
        return light
                + "@media(prefers-color-scheme:dark){" + dark + "}"
                + ".chart text{fill:var(--ink)}.chart .tick{fill:var(--faint);font-size:11px}"
                + ".chart .grid{stroke:var(--grid);stroke-width:1}.chart .axis{stroke:var(--faint);stroke-width:1}"
                + ".chart .line{fill:none;stroke:var(--c);stroke-width:2;stroke-linejoin:round}"
                + ".chart .mark{fill:var(--c);stroke:var(--ground);stroke-width:1}"
                + ".chart .band{fill:var(--c);fill-opacity:.14;stroke:none}"
                + ".chart .name{fill:var(--c);font-weight:600}"
                + ".chart .lead{stroke:var(--c);stroke-width:1;opacity:.6}" + classes;
    }

    /** The classes of a series' colour and dashes; beyond eight series the dashes of the colours change. */
    static String classes(int style) {
        return "c" + style % LIGHT.length + " d" + (style + style / LIGHT.length) % DASHES.length;
    }

    /** The mark of a style at a place, as SVG. */
    static String mark(int style, double x, double y) {
        String at = Svg.number(x) + " " + Svg.number(y);
        String path = switch ((style + style / LIGHT.length) % 4) {
            case 0 -> "M" + at + "m-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0z";
            case 1 -> "M" + at + "m-3.2-3.2h6.4v6.4h-6.4z";
            case 2 -> "M" + at + "m0-4.2l4 7h-8z";
            default -> "M" + at + "m0-4.4l4.4 4.4l-4.4 4.4l-4.4-4.4z";
        };
        return "<path class=\"mark c" + style % LIGHT.length + "\" d=\"" + path + "\"/>";
    }
}
