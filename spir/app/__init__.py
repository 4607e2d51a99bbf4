"""Serve the page: a photo is fitted live, and the object can be turned, recoloured and downloaded. Only this
package imports Gradio.
"""
