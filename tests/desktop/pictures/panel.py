"""A panel for pictures: a bar with the tray's icon in it, and below it the real menu, read over D-Bus.

panel.py BUS_NAME MENU_PATH ICON.png [LABEL of the entry whose own menu is opened too]

Prints WIDTHxHEIGHT+X+Y of what is to be seen, in pixels, once it is drawn, and stays until it is ended.
"""

import sys

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("DbusmenuGtk3", "0.4")
from gi.repository import DbusmenuGtk3, Gdk, Gio, GLib, Gtk

BUS_NAME, MENU_PATH, ICON = sys.argv[1:4]
WITHIN = sys.argv[4] if len(sys.argv) > 4 else ""
BAR = 28
MARGIN = 20

STYLE = """
.desk { background: linear-gradient(to bottom right, #b9d2ee, #dfe9f3 45%, #f3e4d3); }
.desk.dark { background: linear-gradient(to bottom right, #16263d, #223349 45%, #33343f); }
.bar { background: rgba(255, 255, 255, 0.72); padding: 0 20px; }
.dark .bar { background: rgba(12, 16, 24, 0.62); }
.item { padding: 0 7px; border-radius: 5px; background: rgba(0, 0, 0, 0.09); }
.dark .item { background: rgba(255, 255, 255, 0.17); }
.icon { background: url("file://ICON") center / 22px 22px no-repeat; }
menu { border-radius: 0; padding: 5px 0; }
menuitem { padding: 4px 10px; min-height: 16px; letter-spacing: -0.2px; }
menu separator { margin: 5px 0; min-height: 1px; background: alpha(currentColor, 0.16); }
"""


def styled(widget, *names):
    for name in names:
        widget.get_style_context().add_class(name)
    return widget


class Panel:
    def __init__(self):
        screen = Gdk.Screen.get_default()
        provider = Gtk.CssProvider()
        provider.load_from_data(STYLE.replace("ICON", Gio.File.new_for_path(ICON).get_path()).encode())
        Gtk.StyleContext.add_provider_for_screen(screen, provider, Gtk.STYLE_PROVIDER_PRIORITY_USER)
        dark = Gtk.Settings.get_default().props.gtk_application_prefer_dark_theme
        self.area = screen.get_display().get_monitor(0).get_geometry()
        self.scale = screen.get_display().get_monitor(0).get_scale_factor()
        window = Gtk.Window(type=Gtk.WindowType.POPUP)
        window.set_default_size(self.area.width, self.area.height)
        desk = styled(Gtk.Box(orientation=Gtk.Orientation.VERTICAL), "desk", *(["dark"] if dark else []))
        window.add(desk)
        desk.pack_start(self.bar(), False, False, 0)
        window.show_all()
        self.window = window
        self.menu = DbusmenuGtk3.Menu.new(BUS_NAME, MENU_PATH)
        self.tries = 0
        GLib.timeout_add(50, self.open)

    def bar(self):
        bar = styled(Gtk.Box(spacing=10), "bar")
        bar.set_size_request(-1, BAR)
        self.item = styled(Gtk.Box(), "item")
        icon = styled(Gtk.Box(), "icon")
        icon.set_size_request(22, 22)
        self.item.add(icon)
        # the menu hangs from its left edge
        bar.pack_start(self.item, False, False, 0)
        return bar

    def open(self):
        """Opens the menu once it is there, and then the one in it."""
        if not self.menu.get_children():
            return True
        self.menu.popup_at_widget(self.item, Gdk.Gravity.SOUTH_WEST, Gdk.Gravity.NORTH_WEST, None)
        GLib.timeout_add(50, self.tell)
        return False

    def tell(self):
        shown = [self.menu]
        if WITHIN:
            entry = next((i for i in self.menu.get_children() if label(i) == WITHIN), None)
            inner = entry and entry.get_submenu()
            if not inner or not inner.get_children() or not inner.get_mapped():
                if entry:
                    self.menu.select_item(entry)
                    if inner and inner.get_children():
                        self.menu.emit("move-current", Gtk.MenuDirectionType.CHILD)
                return True
            inner.deselect()
            shown.append(inner)
        if not self.menu.get_mapped() or self.menu.get_allocated_height() < 40:
            return True
        # one more turn: what is mapped is drawn
        self.tries += 1
        if self.tries < 4:
            return True
        boxes = [m.get_toplevel().get_window().get_frame_extents() for m in shown]
        right = max(b.x + b.width for b in boxes) + MARGIN
        bottom = max(b.y + b.height for b in boxes) + MARGIN
        width = max(right, 320)
        print(f"{width * self.scale}x{bottom * self.scale}+0+0", flush=True)
        return False


def label(item):
    """What an item says, wherever in it the label is."""
    if isinstance(item, Gtk.Label):
        return item.get_text()
    if isinstance(item, Gtk.Container):
        return next((text for text in map(label, item.get_children()) if text), "")
    return ""


panel = Panel()
Gtk.main()
