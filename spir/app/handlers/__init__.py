"""The events of the page: values of widgets in, values of widgets out."""
